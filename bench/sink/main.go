// Command sink stands in for SciCat when the client is what is measured: it takes every document and keeps none.
//
//	sink serve [-port N]         answers logins, reads (nothing is there) and writes; counts the writes of each event
//	sink post -url URL -events N -concurrency N
//	                             the same requests from a program that does nothing else: the ceiling of this machine
//
// The events of a benchmark are called run-0, run-1, ...; every document of an event has its name in it.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// tally counts the writes of each event, and notes when its last one came.
type tally struct {
	lock   sync.Mutex
	posts  int
	bytes  int64
	whole  int         // events with all their writes
	counts map[int]int // writes by event
	at     map[int]int64
	per    int // writes of a whole event
	delay  atomic.Int64
}

func (t *tally) reset(per int, delay time.Duration) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.posts, t.bytes, t.whole, t.per = 0, 0, 0, per
	t.counts, t.at = map[int]int{}, map[int]int64{}
	t.delay.Store(int64(delay))
}

func (t *tally) count(event int, size int) {
	now := time.Now().UnixNano()
	t.lock.Lock()
	defer t.lock.Unlock()
	t.posts++
	t.bytes += int64(size)
	t.counts[event]++
	if t.counts[event] == t.per {
		t.whole++
		t.at[event] = now
	}
}

// eventOf finds the first run-N in a document, -1 if there is none.
func eventOf(body []byte) int {
	start := bytes.Index(body, []byte("run-"))
	if start < 0 {
		return -1
	}
	number := 0
	for _, digit := range body[start+4:] {
		if digit < '0' || digit > '9' {
			break
		}
		number = number*10 + int(digit-'0')
	}
	return number
}

func serve(port int) {
	t := &tally{}
	t.reset(3, 0)
	var ids atomic.Int64
	buffers := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	say := func(w http.ResponseWriter, status int, body string) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v3/health", func(w http.ResponseWriter, _ *http.Request) { say(w, 200, `{"status":"ok"}`) })
	mux.HandleFunc("POST /api/v3/auth/login", func(w http.ResponseWriter, _ *http.Request) {
		say(w, 201, `{"access_token":"sink","id":"sink","ttl":86400}`)
	})
	mux.HandleFunc("GET /api/v3/auth/whoami", func(w http.ResponseWriter, _ *http.Request) {
		say(w, 200, `{"username":"ingestor","currentGroups":["ingestor"]}`)
	})
	mux.HandleFunc("GET /api/", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "s") {
			say(w, 200, "[]")
			return
		}
		say(w, 404, `{"statusCode":404,"message":"not here"}`)
	})
	mux.HandleFunc("POST /api/", func(w http.ResponseWriter, r *http.Request) {
		buffer := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(buffer)
		buffer.Reset()
		if _, err := buffer.ReadFrom(r.Body); err != nil {
			return
		}
		if delay := t.delay.Load(); delay > 0 {
			time.Sleep(time.Duration(delay))
		}
		id := strconv.FormatInt(ids.Add(1), 10)
		t.count(eventOf(buffer.Bytes()), buffer.Len())
		say(w, 201, `{"_id":"`+id+`","pid":"20.500.12345/`+id+`","createdBy":"ingestor"}`)
	})
	mux.HandleFunc("PATCH /api/", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		say(w, 200, `{}`)
	})
	mux.HandleFunc("POST /bench/reset", func(w http.ResponseWriter, r *http.Request) {
		per, _ := strconv.Atoi(r.URL.Query().Get("per"))
		delay, err := time.ParseDuration(r.URL.Query().Get("delay"))
		if err != nil || per < 1 {
			say(w, 400, `"reset?per=3&delay=20ms"`)
			return
		}
		t.reset(per, delay)
		say(w, 200, "{}")
	})
	mux.HandleFunc("GET /bench/counts", func(w http.ResponseWriter, _ *http.Request) {
		t.lock.Lock()
		defer t.lock.Unlock()
		say(w, 200, fmt.Sprintf(`{"posts":%d,"whole":%d,"events":%d,"bytes":%d}`, t.posts, t.whole, len(t.counts), t.bytes))
	})
	mux.HandleFunc("GET /bench/times", func(w http.ResponseWriter, _ *http.Request) { // of each event's last write, in ns
		t.lock.Lock()
		defer t.lock.Unlock()
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(t.at)
	})
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, mux))
}

// post sends what a client of the reference work sends, from as many goroutines as there may be requests in flight.
func post(url string, events, concurrency int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency, MaxConnsPerHost: concurrency}}
	padding := strings.Repeat("x", 20_000)
	dataset, block := strings.Repeat("d", 1_700), strings.Repeat("b", 1_200)
	var next atomic.Int64
	var group sync.WaitGroup
	for range concurrency {
		group.Go(func() {
			for {
				number := next.Add(1) - 1
				if number >= int64(events) {
					return
				}
				for _, part := range []struct{ route, text string }{
					{"datasets", dataset}, {"origdatablocks", block}, {"attachments", padding},
				} {
					body := fmt.Sprintf(`{"name":"run-%d","text":"%s"}`, number, part.text)
					answer, err := client.Post(url+"/api/v4/"+part.route, "application/json", strings.NewReader(body))
					if err != nil {
						log.Fatal(err)
					}
					io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
				}
			}
		})
	}
	group.Wait()
}

func main() {
	log.SetFlags(0)
	flags := flag.NewFlagSet("sink", flag.ExitOnError)
	port := flags.Int("port", 0, "0: any that is free; it is printed")
	url := flags.String("url", "", "of a sink")
	events := flags.Int("events", 1000, "how many")
	concurrency := flags.Int("concurrency", 64, "requests in flight")
	if len(os.Args) < 2 {
		log.Fatal("sink serve|post")
	}
	flags.Parse(os.Args[2:])
	switch os.Args[1] {
	case "serve":
		serve(*port)
	case "post":
		post(*url, *events, *concurrency)
	default:
		log.Fatal("sink serve|post")
	}
}
