{{/*
The template of the pod that publishes the root of trust: the keyholder's part, with the keyholder's Secret. It calls the
admin listeners by the addresses in the answers of `chancery init`, which are the admin Services of this release.
*/}}
{{- define "chancery.trustPodTemplate" -}}
{{- if not .Values.roles.tuf.enabled -}}
{{- fail "trust.secretName: there is no root of trust to publish while roles.tuf.enabled is false" -}}
{{- end -}}
metadata:
  labels:
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- include "chancery.labels" . | nindent 4 }}
    app.kubernetes.io/component: trust
  annotations:
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    # Other roles, or other keys of theirs, are published too.
    checksum/config: {{ include "chancery.allConfigs" . | sha256sum }}
spec:
  {{- include "chancery.podSettings" . | nindent 2 }}
  # Each try leaves its pod, with what it said.
  restartPolicy: Never
  containers:
    - name: trust
      args:
        - trust
        - publish
        - --instance
        - /etc/chancery/instance
        - --tuf-at
        - {{ include "chancery.scheme" . }}://{{ include "chancery.fullname" . }}-tuf-admin.{{ .Release.Namespace }}.svc:{{ (index (include "chancery.roles" . | fromYaml) "tuf").listeners.public.port }}
        - --wait
        - "600"
      {{- include "chancery.containerSettings" . | nindent 6 }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - name: instance
          mountPath: /etc/chancery/instance
          readOnly: true
        {{- if .Values.tls.trustedCaKey }}
        - name: tls
          mountPath: /etc/chancery/tls
          readOnly: true
        {{- end }}
  volumes:
    - name: instance
      secret:
        secretName: {{ .Values.trust.secretName }}
        defaultMode: 0440
        # A Secret has no folders, and an instance has.
        items:
          - { key: answers.yaml, path: answers.yaml }
          - { key: init.json, path: init.json }
          - { key: admin-token, path: operator/admin-token }
          - { key: passphrase, path: offline/passphrase }
          - { key: tuf-root.pem, path: offline/tuf-root.pem }
          - { key: tuf-targets.pem, path: offline/tuf-targets.pem }
          - { key: root.json, path: trust/root.json }
          - { key: material.json, path: trust/material.json }
    {{- with .Values.tls.trustedCaKey }}
    - name: tls
      secret:
        secretName: {{ $.Values.tls.secretName }}
        defaultMode: 0440
        # The authority, and not the key of the roles.
        items: [{ key: {{ . }}, path: {{ . }} }]
    {{- end }}
{{- end }}

{{/* The configuration files of all roles, one behind the other. */}}
{{- define "chancery.allConfigs" -}}
{{- $root := . -}}
{{- range $role, $own := .Values.roles -}}
{{- if $own.enabled }}
{{ include "chancery.roleConfig" (dict "root" $root "role" $role) }}
{{- end -}}
{{- end -}}
{{- end }}
