// Prints what Fulcio certifies for tokens of SPIFFE and Kubernetes, as JSON: see SOURCE.md.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/sigstore/fulcio/pkg/certificate"
	"github.com/sigstore/fulcio/pkg/config"
	"github.com/sigstore/fulcio/pkg/identity"
	"github.com/sigstore/fulcio/pkg/identity/kubernetes"
	"github.com/sigstore/fulcio/pkg/identity/spiffe"
)

const issuer = "https://issuer.example"

// row is what becomes of the claims of a token: the one name in the certificate, and the token subject beside it.
type row struct {
	Type   string         `json:"type"`
	Domain string         `json:"spiffeTrustDomain,omitempty"`
	Claims map[string]any `json:"claims"`
	// Empty when Fulcio refuses.
	SAN string `json:"san,omitempty"`
}

// certify takes the claims as verified, and shows what stands in a certificate after it was written and read.
func certify(r row) row {
	certified, err := try(r)
	if err != nil {
		return r
	}
	extensions, err := certificate.ParseExtensions(certified.Extensions)
	if err != nil || extensions.Issuer != issuer || extensions.Subject != r.Claims["sub"] || len(certified.URIs) != 1 {
		panic(fmt.Sprint("another certificate than expected for ", r.Claims, err))
	}
	r.SAN = certified.URIs[0].String()
	return r
}

func try(r row) (*x509.Certificate, error) {
	claims := maps.Clone(r.Claims)
	claims["iss"] = issuer
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	raw := strings.Join([]string{encode([]byte(`{"alg":"RS256"}`)), encode(payload), encode([]byte("x"))}, ".")
	unchecked := &oidc.Config{SkipClientIDCheck: true, SkipExpiryCheck: true, InsecureSkipSignatureCheck: true}
	token, err := oidc.NewVerifier(issuer, nil, unchecked).Verify(context.Background(), raw)
	if err != nil {
		return nil, err
	}
	settings := config.OIDCIssuer{IssuerURL: issuer, SPIFFETrustDomain: r.Domain}
	ctx := config.With(context.Background(), &config.FulcioConfig{OIDCIssuers: map[string]config.OIDCIssuer{issuer: settings}})
	from := map[string]func(context.Context, *oidc.IDToken) (identity.Principal, error){
		"spiffe":     spiffe.PrincipalFromIDToken,
		"kubernetes": kubernetes.PrincipalFromIDToken,
	}
	principal, err := from[r.Type](ctx, token)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	if err := principal.Embed(ctx, template); err != nil {
		return nil, err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func workload(domain, id string) row {
	return certify(row{Type: "spiffe", Domain: domain, Claims: map[string]any{"sub": id}})
}

func account(namespace, name any) row {
	cluster := map[string]any{"namespace": namespace, "serviceaccount": map[string]any{"name": name}}
	claims := map[string]any{"sub": "system:serviceaccount:a:b", "kubernetes.io": cluster}
	return certify(row{Type: "kubernetes", Claims: claims})
}

func main() {
	var oddities []string
	for c := byte(0x20); c < 0x7f; c++ {
		oddities = append(oddities, string(rune(c)))
	}
	oddities = append(oddities, "", "\n", "\x00", "é", "🔑", "//", "/./", "/../", "/.", "/..", "..", "...", "/...", "./", "../", "%2F", "%41", "%zz", "?a=b", "#a", "@b", ":8443")
	var rows []row
	for _, odd := range oddities {
		rows = append(rows,
			workload("prod.example.com", "spiffe://prod.example.com/ns/a"+odd+"b"),
			workload("prod.example.com", "spiffe://prod.example.com/"+odd+"ns"),
			workload("prod.example.com", "spiffe://prod.example.com/ns"+odd),
			workload("prod.example.com", "spiffe://prod.example.com"+odd),
			workload("prod.example.com", "spiffe://prod.exa"+odd+"mple.com/ns"),
			workload("prod.example.com", "spiffe:/"+odd+"/prod.example.com/ns"),
			account("a"+odd+"b", "c"),
			account("a", "b"+odd+"c"),
			account("a", odd+"c"),
			account("a"+odd, "c"),
		)
	}
	for _, id := range []string{"", "spiffe://", "spiffe:///ns", "SPIFFE://prod.example.com/ns", "spiffe://Prod.example.com/ns", "spiffe://a.prod.example.com/ns", "spiffe://example.com/ns", "spiffe://prod.example.com.evil/ns", "https://prod.example.com/ns", "prod.example.com", "ada@prod.example.com", "spiffe://prod.example.com/" + strings.Repeat("a", 500), "spiffe://prod.example.com/A/b_c.d-e/7"} {
		rows = append(rows, workload("prod.example.com", id))
	}
	for _, domain := range []string{"a", "a_b", "-a", ".a", "a.", "a..b", "1", "10.0.0.1"} {
		rows = append(rows, workload(domain, "spiffe://"+domain+"/x"))
	}
	for _, name := range []string{"release.signer", "a.b-c.d", "0", strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a.", 126) + "a", strings.Repeat("a.", 127) + "a", "Default", "system:x"} {
		rows = append(rows, account("build-1", name), account(name, "default"))
	}
	rows = append(rows, account("", "a"), account("a", ""), account("", ""), account(nil, "a"), account("a", nil), account(7, "a"), account("a", []string{"b"}))

	lines := make([]string, len(rows))
	for i, r := range rows {
		line, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		lines[i] = string(line)
	}
	fmt.Printf("[\n%s\n]\n", strings.Join(lines, ",\n"))
}
