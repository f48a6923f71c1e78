// A Kubernetes API server with its store, in one process on the loopback interface: kube-apiserver FOLDER PORT.
// There are no nodes and no controllers: it takes, checks, keeps and gives objects as any cluster's API server does.
// FOLDER gets its data, its keys and `kubeconfig`, with which one is an administrator.
package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

const kubeconfig = `apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "https://127.0.0.1:%s", insecure-skip-tls-verify: true}}]
users: [{name: test, user: {token: "%s"}}]
`

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: kube-apiserver FOLDER PORT")
	}
	folder, port := os.Args[1], os.Args[2]
	file := func(name string) string { return filepath.Join(folder, name) }

	store := startStore(file("etcd"))
	token := make([]byte, 16)
	must(rand.Read(token))
	secret := hex.EncodeToString(token)
	write(file("tokens"), secret+",admin,1,system:masters\n")
	write(file("key.pem"), newKey())
	write(file("kubeconfig"), fmt.Sprintf(kubeconfig, port, secret))

	command := app.NewAPIServerCommand()
	command.SetArgs([]string{
		"--etcd-servers=" + store,
		"--bind-address=127.0.0.1",
		"--secure-port=" + port,
		"--cert-dir=" + file("certificates"),
		"--token-auth-file=" + file("tokens"),
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + file("key.pem"),
		"--service-account-signing-key-file=" + file("key.pem"),
		// It waits for the account that a controller makes in every namespace.
		"--disable-admission-plugins=ServiceAccount",
	})
	os.Exit(cli.Run(command))
}

// Start etcd and give its address.
func startStore(folder string) string {
	config := embed.NewConfig()
	config.Dir = folder
	config.LogLevel = "error"
	config.UnsafeNoFsync = true
	client, peer := freeAddress(), freeAddress()
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd := must(embed.StartEtcd(config))
	<-etcd.Server.ReadyNotify()
	return client.String()
}

func freeAddress() url.URL {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	defer listener.Close()
	return url.URL{Scheme: "http", Host: listener.Addr().String()}
}

func newKey() string {
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func write(path string, text string) {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
