{{- define "chancery.name" -}}
{{- .Chart.Name -}}
{{- end }}

{{- define "chancery.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "chancery.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "chancery.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* What a selector may name: it can never change. */}}
{{- define "chancery.selector" -}}
app.kubernetes.io/name: {{ include "chancery.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "chancery.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{ include "chancery.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: chancery
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "chancery.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end }}

{{- define "chancery.serviceAccountName" -}}
{{- default (include "chancery.fullname" .) .Values.serviceAccountName -}}
{{- end }}

{{/*
What the roles are: their listeners by name, with the Service of each, whether they store, and their trust reports. The
ports of the admin listeners are those of `chancery init` for hosts of one role each.
*/}}
{{- define "chancery.roles" -}}
identity: { adminPort: 7421, listeners: { public: { service: identity, port: 8080 } }, stores: true, reports: [/admin/v1/trust] }
ca: { adminPort: 7422, listeners: { public: { service: ca, port: 8080 } }, stores: true, reports: [/admin/v1/trust] }
log: { adminPort: 7423, listeners: { v1: { service: log, port: 8080 }, v2: { service: log2, port: 8081 } }, stores: true, reports: [/admin/v1/trust/v1, /admin/v1/trust/v2] }
ctlog: { adminPort: 7425, listeners: { public: { service: ctlog, port: 8080 } }, stores: true, reports: [/admin/v1/trust] }
tsa: { adminPort: 7426, listeners: { public: { service: tsa, port: 8080 } }, stores: false, reports: [/admin/v1/trust] }
tuf: { adminPort: 7427, listeners: { public: { service: tuf, port: 8080 } }, stores: true, reports: [] }
{{- end }}

{{/* Plain HTTP, and nothing else is on it. */}}
{{- define "chancery.probePort" -}}7419{{- end }}

{{- define "chancery.scheme" -}}
{{- ternary "https" "http" (ne .Values.tls.secretName "") -}}
{{- end }}

{{- define "chancery.secretName" -}}
{{- $own := index .root.Values.roles .role -}}
{{- default (printf "%s-%s" (include "chancery.fullname" .root) .role) $own.secretName -}}
{{- end }}

{{/* "true" for a role that keeps its mark in a file, and can have one process only. Refuses what would not work. */}}
{{- define "chancery.hasMarkFile" -}}
{{- $section := default dict (index .root.Values.config .role) -}}
{{- $paths := concat (compact (list $section.markFile)) (values (default dict $section.markFiles)) -}}
{{- if $paths -}}
{{- range $path := $paths -}}
{{- if not (hasPrefix "/var/lib/chancery/" (toString $path)) -}}
{{- fail (printf "config.%s: the mark file %v must lie below /var/lib/chancery/, the one place where a pod keeps files" $.role $path) -}}
{{- end -}}
{{- end -}}
{{- if gt (int (index .root.Values.roles .role).replicas) 1 -}}
{{- fail (printf "roles.%s.replicas: with its mark in a file, %s can have one replica; name a markDatabase in config.%s for more" .role .role .role) -}}
{{- end -}}
true
{{- end -}}
{{- end }}

{{/* "true" for a role that speaks to a database: for what it stores, or for its mark. */}}
{{- define "chancery.hasDatabase" -}}
{{- $facts := index (include "chancery.roles" .root | fromYaml) .role -}}
{{- $section := default dict (index .root.Values.config .role) -}}
{{- if or $facts.stores $section.markDatabase -}}true{{- end -}}
{{- end }}

{{/* Refuses a password that everybody who reads ConfigMaps would read. */}}
{{- define "chancery.refusePassword" -}}
{{- if kindIs "string" .url -}}
{{- if regexMatch "(^[a-z]+://[^/?#]*:[^/?#]*@|[?&]password=)" .url -}}
{{- fail (printf "config.%s holds a password, and the configuration is a ConfigMap: put the URL into the Secret of databaseSecret, and { file: database/KEY } here" .path) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The configuration file of one role. */}}
{{- define "chancery.roleConfig" -}}
{{- $root := .root -}}
{{- $role := .role -}}
{{- $given := $root.Values.config -}}
{{- $facts := index (include "chancery.roles" $root | fromYaml) $role -}}
{{- if not (index $given $role) -}}
{{- fail (printf "config.%s is missing: set it, or roles.%s.enabled to false" $role $role) -}}
{{- end -}}
{{- $section := deepCopy (default dict (index $given $role)) -}}
{{- if hasKey $section "listen" -}}
{{- fail (printf "config.%s.listen: the chart decides where to listen; take it out" $role) -}}
{{- end -}}
{{- include "chancery.refusePassword" (dict "url" (default dict $given.database).url "path" "database.url") -}}
{{- include "chancery.refusePassword" (dict "url" $section.markDatabase "path" (printf "%s.markDatabase" $role)) -}}
{{- $tls := dict -}}
{{- if $root.Values.tls.secretName -}}
{{- $tls = dict "tls" (dict "certificateFile" "/etc/chancery/tls/tls.crt" "keyFile" "/etc/chancery/tls/tls.key") -}}
{{- end -}}
{{- $listen := dict "admin" (merge (dict "host" $root.Values.listenHost "port" (int $facts.adminPort)) $tls) -}}
{{- $_ := set $listen "probe" (dict "host" $root.Values.listenHost "port" (include "chancery.probePort" $root | int)) -}}
{{- range $name, $listener := $facts.listeners -}}
{{- $_ := set $listen $name (merge (dict "host" $root.Values.listenHost "port" (int $listener.port)) $tls) -}}
{{- end -}}
{{- $_ := set $section "listen" $listen -}}
{{- if and (eq $role "ca") $root.Values.roles.ctlog.enabled -}}
{{- $ctlog := printf "%s://%s-ctlog.%s.svc" (include "chancery.scheme" $root) (include "chancery.fullname" $root) $root.Release.Namespace -}}
{{- $_ := set $section "ctlog" (merge (default dict $section.ctlog) (dict "url" $ctlog)) -}}
{{- end -}}
{{- if and (eq $role "tuf") (not (hasKey $section "services")) -}}
{{- $_ := set $section "services" (include "chancery.trustReports" $root | fromJsonArray) -}}
{{- end -}}
{{- $file := pick $given "profile" "allow" "logging" -}}
{{- $_ := set $file "process" (merge (deepCopy (default dict $given.process)) (dict "drainSeconds" (int $root.Values.drainSeconds))) -}}
{{- $_ := set $file $role $section -}}
{{- if $facts.stores -}}
{{- $database := deepCopy (default dict $given.database) -}}
{{- if $root.Values.databaseSecret -}}
{{- $_ := merge $database (dict "url" (dict "file" "database/url")) -}}
{{- end -}}
{{- $_ := set $file "database" $database -}}
{{- end -}}
{{- toYaml $file -}}
{{- end }}

{{/* The name of the admin Service of some role that is enabled. */}}
{{- define "chancery.anAdminName" -}}
{{- $enabled := list -}}
{{- range $role, $own := .Values.roles -}}
{{- if $own.enabled -}}{{- $enabled = append $enabled $role -}}{{- end -}}
{{- end -}}
{{- printf "%s-%s-admin.%s.svc" (include "chancery.fullname" .) (first $enabled) .Release.Namespace -}}
{{- end }}

{{/* Where the roles of this release report their keys to tuf: a list. */}}
{{- define "chancery.trustReports" -}}
{{- $root := . -}}
{{- $reports := list -}}
{{- range $role, $facts := include "chancery.roles" . | fromYaml -}}
{{- if (index $root.Values.roles $role).enabled -}}
{{- range $path := $facts.reports -}}
{{- $url := printf "%s://%s-%s-admin.%s.svc:%s%s" (include "chancery.scheme" $root) (include "chancery.fullname" $root) $role $root.Release.Namespace (toString $facts.adminPort) $path -}}
{{- $reports = append $reports (dict "trustReportUrl" $url "bearer" (dict "file" "secrets/service-token")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $reports -}}
{{- end }}

{{/* What clients reach: a list of { service, role, port, host, path }, host and path from the publicUrl of each listener. */}}
{{- define "chancery.endpoints" -}}
{{- $root := . -}}
{{- $endpoints := list -}}
{{- range $role, $facts := include "chancery.roles" . | fromYaml -}}
{{- if (index $root.Values.roles $role).enabled -}}
{{- $section := default dict (index $root.Values.config $role) -}}
{{- range $name, $listener := $facts.listeners -}}
{{- $public := ternary $section (default dict (index $section $name)) (eq $name "public") -}}
{{- if not (default dict $public).publicUrl -}}
{{- fail (printf "config.%s%s.publicUrl is missing: where clients reach it, for good" $role (ternary "" (printf ".%s" $name) (eq $name "public"))) -}}
{{- end -}}
{{- $url := urlParse $public.publicUrl -}}
{{- $endpoints = append $endpoints (dict "service" $listener.service "role" $role "port" (int $listener.port) "host" (regexReplaceAll ":[0-9]+$" $url.host "") "path" (default "/" $url.path)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $endpoints -}}
{{- end }}
