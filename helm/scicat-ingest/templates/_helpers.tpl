{{- define "scicat-ingest.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "scicat-ingest.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "scicat-ingest.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "scicat-ingest.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "scicat-ingest.selector" -}}
app.kubernetes.io/name: {{ include "scicat-ingest.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "scicat-ingest.labels" -}}
{{ include "scicat-ingest.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: ingestor
app.kubernetes.io/part-of: scicat
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Name, namespace and labels of a resource: (list $ "-suffix"). */}}
{{- define "scicat-ingest.metadata" -}}
{{- $top := index . 0 -}}
name: {{ include "scicat-ingest.fullname" $top }}{{ index . 1 }}
namespace: {{ $top.Release.Namespace }}
labels:
  {{- include "scicat-ingest.labels" $top | nindent 2 }}
{{- end }}

{{- define "scicat-ingest.port" -}}
{{- dig "ops" "port" 8080 .Values.config -}}
{{- end }}

{{/* The helm test is not one of the service's pods, but may ask them. */}}
{{- define "scicat-ingest.testLabels" -}}
app.kubernetes.io/name: {{ include "scicat-ingest.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "scicat-ingest.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "scicat-ingest.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "scicat-ingest.image" -}}
{{- $image := .Values.image.repository -}}
{{- if .Values.image.registry }}{{ $image = printf "%s/%s" .Values.image.registry $image }}{{ end -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $image .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end }}

{{/* The topics that are read: those of config.sources, else the service's default. */}}
{{- define "scicat-ingest.topics" -}}
{{- $topics := list -}}
{{- range (.Values.config.sources | default (list (dict))) -}}
{{- $topics = append $topics (.topic | default "scicat.acquisitions") -}}
{{- end -}}
{{- $topics | uniq | toJson -}}
{{- end }}

{{/* What the service cannot do without, and what must not stand in a ConfigMap. */}}
{{- define "scicat-ingest.check" -}}
{{- $config := .Values.config -}}
{{- range list "pid_prefix" "namespace" "fallback_owner_group" -}}
{{- $_ := required (printf "config.mapping.%s is needed: it has no default (docs/settings.md)" .) (dig "mapping" . "" $config) -}}
{{- end -}}
{{- $_ := required "config.kafka.bootstrap_servers is needed: host:port, comma-separated" (dig "kafka" "bootstrap_servers" "" $config) -}}
{{- $_ := required "config.scicat.url is needed: the backend's address without /api" (dig "scicat" "url" "" $config) -}}
{{- if or (dig "scicat" "password" "" $config) (dig "scicat" "token" "" $config) -}}
{{- fail "config.scicat.password and config.scicat.token would stand in a ConfigMap for all to read: use secrets.scicat.existingSecret" -}}
{{- end -}}
{{- if dig "kafka" "sasl_password" "" $config -}}
{{- fail "config.kafka.sasl_password would stand in a ConfigMap for all to read: use secrets.kafka.existingSecret" -}}
{{- end -}}
{{- if dig "registry" "password" "" $config -}}
{{- fail "config.registry.password would stand in a ConfigMap for all to read: use secrets.registry.existingSecret" -}}
{{- end -}}
{{- if or (has (dig "ops" "enabled" "on" $config) (list "off" false)) (eq (include "scicat-ingest.port" .) "0") -}}
{{- fail "config.ops: Kubernetes asks the ops server how the service does: it must be on, and its port must be known" -}}
{{- end -}}
{{- if and .Values.mappings.files .Values.mappings.existingConfigMap -}}
{{- fail "give mappings.files or mappings.existingConfigMap, not both" -}}
{{- end -}}
{{- end }}

{{/* A volume that is mounted read-only as a whole, where its kind can say so. */}}
{{- define "scicat-ingest.readOnly" -}}
{{- $volume := deepCopy . -}}
{{- range $kind := list "persistentVolumeClaim" "nfs" "csi" "cephfs" "iscsi" "fc" "rbd" -}}
{{- with get $volume $kind }}{{ $_ := set . "readOnly" true }}{{ end -}}
{{- end -}}
{{- toYaml $volume -}}
{{- end }}

{{- define "scicat-ingest.hasMappings" -}}
{{- if or .Values.mappings.files .Values.mappings.existingConfigMap }}true{{ end -}}
{{- end }}
