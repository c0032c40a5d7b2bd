{{/* The template of the pods of a role: the same in a Deployment and in a StatefulSet. */}}
{{- define "chancery.podTemplate" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $role := .role -}}
{{- $facts := index (include "chancery.roles" $root | fromYaml) $role -}}
metadata:
  labels:
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- include "chancery.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $role }}
  annotations:
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    # A new configuration is a rollout, of its role alone.
    checksum/config: {{ include "chancery.roleConfig" . | sha256sum }}
spec:
  {{- include "chancery.podSettings" $root | nindent 2 }}
  # The process is gone five seconds after its drain, whatever hangs.
  terminationGracePeriodSeconds: {{ add $values.drainSeconds 10 }}
  {{- if $facts.stores }}
  {{- $steps := list }}
  {{- if $values.migrate }}
  {{- $steps = append $steps (dict "name" "migrate" "args" (list "migrate" $role)) }}
  {{- end }}
  {{- if and $values.createLogs (has $role (list "log" "ctlog")) }}
  {{- $steps = append $steps (dict "name" "log-create" "args" (list "log" "create")) }}
  {{- end }}
  {{- with $steps }}
  initContainers:
    {{- range . }}
    - name: {{ .name }}
      args:
        {{- range .args }}
        - {{ . }}
        {{- end }}
        - --config
        - /etc/chancery/chancery.yaml
      {{- include "chancery.container" $ | nindent 6 }}
    {{- end }}
  {{- end }}
  {{- end }}
  containers:
    - name: {{ $role }}
      args: [serve, {{ $role }}, --config, /etc/chancery/chancery.yaml]
      {{- include "chancery.container" . | nindent 6 }}
      ports:
        {{- range $name, $listener := $facts.listeners }}
        - name: {{ $name }}
          containerPort: {{ $listener.port }}
        {{- end }}
        - name: admin
          containerPort: {{ $facts.adminPort }}
        - name: probe
          containerPort: {{ include "chancery.probePort" $root }}
      startupProbe:
        httpGet: { path: /healthz, port: probe }
        periodSeconds: 1
        timeoutSeconds: 2
        # Starting again helps nobody who is only slow.
        failureThreshold: 120
      livenessProbe:
        httpGet: { path: /healthz, port: probe }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /readyz, port: probe }
        periodSeconds: 2
        # The process itself gives up after two seconds, and says so.
        timeoutSeconds: 3
        failureThreshold: 2
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: {{ $values.topologySpread.topologyKey }}
      whenUnsatisfiable: {{ $values.topologySpread.whenUnsatisfiable }}
      {{- include "chancery.spreadAmong" . | nindent 6 }}
    # Also where nodes have no zones.
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      {{- include "chancery.spreadAmong" . | nindent 6 }}
  volumes:
    - name: config
      configMap:
        name: {{ include "chancery.fullname" $root }}-{{ $role }}
    - name: secrets
      secret:
        secretName: {{ include "chancery.secretName" . }}
        defaultMode: 0440
    {{- if and $values.databaseSecret (include "chancery.hasDatabase" .) }}
    - name: database
      secret:
        secretName: {{ $values.databaseSecret }}
        defaultMode: 0440
    {{- end }}
    {{- if $values.tls.secretName }}
    - name: tls
      secret:
        secretName: {{ $values.tls.secretName }}
        defaultMode: 0440
    {{- end }}
{{- end }}

{{/* Whom the spread counts: pods of the same version, so that a rollout does not end on one node. */}}
{{- define "chancery.spreadAmong" -}}
labelSelector:
  matchLabels:
    {{- include "chancery.selector" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
{{- if not (include "chancery.hasMarkFile" .) }}
matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}

{{/* What all pods have in common, also those of jobs. */}}
{{- define "chancery.podSettings" -}}
serviceAccountName: {{ include "chancery.serviceAccountName" . }}
automountServiceAccountToken: false
# A variable CHANCERY_... of a neighbour would be read as a setting.
enableServiceLinks: false
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  # Key files in the Secret are root's, and readable by this group alone.
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What all containers have in common, also those of jobs. */}}
{{- define "chancery.containerSettings" -}}
image: {{ include "chancery.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- if or .Values.extraEnv .Values.tls.trustedCaKey }}
env:
  {{- if .Values.tls.trustedCaKey }}
  # Beside the authorities that Node knows.
  - name: SSL_CERT_FILE
    value: /etc/chancery/tls/{{ .Values.tls.trustedCaKey }}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What the containers of a pod have in common: the image, its mounts and its limits. */}}
{{- define "chancery.container" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $hasMarkFile := include "chancery.hasMarkFile" . -}}
{{- include "chancery.containerSettings" $root }}
resources:
  {{- toYaml (default $values.resources (index $values.roles .role).resources) | nindent 2 }}
volumeMounts:
  - name: config
    mountPath: /etc/chancery/chancery.yaml
    subPath: chancery.yaml
    readOnly: true
  # A Secret has no folders: under both names lies all of it, so that a configuration of `chancery init` fits.
  {{- range list "secrets" "keys" }}
  - name: secrets
    mountPath: /etc/chancery/{{ . }}
    readOnly: true
  {{- end }}
  {{- if and $values.databaseSecret (include "chancery.hasDatabase" .) }}
  - name: database
    mountPath: /etc/chancery/database
    readOnly: true
  {{- end }}
  {{- if $values.tls.secretName }}
  - name: tls
    mountPath: /etc/chancery/tls
    readOnly: true
  {{- end }}
  {{- if $hasMarkFile }}
  - name: marks
    mountPath: /var/lib/chancery
  {{- end }}
{{- end }}
