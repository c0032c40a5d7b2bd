{{/* The template of the pods of a role: the same in a Deployment and in a StatefulSet. */}}
{{- define "chancery.podTemplate" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $role := .role -}}
{{- $own := index $values.roles $role -}}
{{- $facts := index (include "chancery.roles" $root | fromYaml) $role -}}
{{- $hasMarkFile := include "chancery.hasMarkFile" . -}}
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
    # A new configuration is a rollout.
    checksum/config: {{ include "chancery.roleConfig" . | sha256sum }}
spec:
  serviceAccountName: {{ include "chancery.serviceAccountName" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ add $values.drainSeconds 10 }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
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
        failureThreshold: 60
      livenessProbe:
        httpGet: { path: /healthz, port: probe }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /readyz, port: probe }
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 2
  {{- with $values.topologySpread }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: {{ .topologyKey }}
      whenUnsatisfiable: {{ .whenUnsatisfiable }}
      labelSelector:
        matchLabels:
          {{- include "chancery.selector" $root | nindent 10 }}
          app.kubernetes.io/component: {{ $role }}
  {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "chancery.fullname" $root }}-{{ $role }}
    - name: secrets
      secret:
        secretName: {{ include "chancery.secretName" . }}
        defaultMode: 0440
    {{- if and $values.databaseSecret (or $facts.stores (not $hasMarkFile)) }}
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

{{/* What the containers of a pod have in common: the image, its mounts and its limits. */}}
{{- define "chancery.container" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $facts := index (include "chancery.roles" $root | fromYaml) .role -}}
{{- $hasMarkFile := include "chancery.hasMarkFile" . -}}
image: {{ include "chancery.image" $root | quote }}
imagePullPolicy: {{ $values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources:
  {{- toYaml (default $values.resources (index $values.roles .role).resources) | nindent 2 }}
{{- if or $values.extraEnv $values.tls.trustedCaKey }}
env:
  {{- if $values.tls.trustedCaKey }}
  - name: SSL_CERT_FILE
    value: /etc/chancery/tls/{{ $values.tls.trustedCaKey }}
  {{- end }}
  {{- with $values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
volumeMounts:
  - name: config
    mountPath: /etc/chancery/chancery.yaml
    subPath: chancery.yaml
    readOnly: true
  - name: secrets
    mountPath: /etc/chancery/secrets
    readOnly: true
  {{- if and $values.databaseSecret (or $facts.stores (not $hasMarkFile)) }}
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
