// Prints what Go makes of names on their way into a certificate, as JSON: see SOURCE.md.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"time"

	"github.com/asaskevich/govalidator"
)

// subject is what JoinPath yields for a reference. Error: what Go says where it refuses, or loses the path.
type subject struct {
	Base  string `json:"base"`
	Ref   string `json:"ref"`
	SAN   string `json:"san,omitempty"`
	Error string `json:"error,omitempty"`
}

type address struct {
	Email    string `json:"email"`
	Accepted bool   `json:"accepted"`
}

// join does what pkg/identity/github of Fulcio v1.8.8 does, whose base URL ends in a slash.
func join(base, ref string) subject {
	parsed, err := url.Parse(base + "/")
	if err != nil {
		panic(err)
	}
	joined, err := url.JoinPath(base+"/", ref)
	if err != nil {
		return subject{Base: base, Ref: ref, Error: err.Error()}
	}
	san := parsed.JoinPath(ref)
	if joined != san.String() {
		panic("JoinPath differs from itself for " + ref)
	}
	certificate, err := sign(&x509.Certificate{URIs: []*url.URL{san}})
	if err != nil {
		return subject{Base: base, Ref: ref, Error: err.Error()}
	}
	if !bytes.Contains(certificate, []byte(san.String())) {
		panic("the certificate holds another name than " + san.String())
	}
	return subject{Base: base, Ref: ref, SAN: san.String()}
}

// certify reports whether an address is an e-mail address, and one that a certificate can hold.
func certify(email string) address {
	if !govalidator.IsEmail(email) {
		return address{email, false}
	}
	_, err := sign(&x509.Certificate{EmailAddresses: []string{email}})
	return address{email, err == nil}
}

func sign(template *x509.Certificate) ([]byte, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	template.SerialNumber = big.NewInt(1)
	template.NotBefore, template.NotAfter = time.Now(), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		return nil, err
	}
	// A name that its readers cannot read is none.
	_, err = x509.ParseCertificate(der)
	return der, err
}

func main() {
	bases := []string{"https://github.com", "https://ghe.example:8443", "https://ghe.example/code", "HTTPS://GHE.Example/a%2Fb", "http://[2001:db8::1]:80"}
	// Owner, repository, file, and reference: wherever a name can be odd.
	positions := []string{
		"ac%sme/app/.github/workflows/r.yml@refs/heads/main",
		"acme/a%sp/.github/workflows/r.yml@refs/heads/main",
		"acme/app/.github/workflows/r%s.yml@refs/heads/main",
		"acme/app/.github/workflows/r.yml@refs/heads/fi%sx",
		"acme/app/.github/workflows/r.yml@refs/tags/v1%s",
		"%sacme/app/.github/workflows/r.yml@refs/tags/v1",
	}
	var oddities []string
	for c := byte(0x20); c < 0x7f; c++ {
		oddities = append(oddities, string(rune(c)))
	}
	oddities = append(oddities,
		"\u00a0", "é", "ü#", "日本", "🔑", "e\u0301", "\ufeff", "\u202e", "\ufffd",
		"%41", "%23", "%25", "%2F", "%2f", "%40", "%00", "%0a", "%7f", "%C3%A9", "%c3%a9", "%ff", "%E2%80", "%", "%%", "%4", "%zz", "%2", "%u0041", "%g1", "% 41",
		"%41 ", " %2f", "#%2F", "%2F#", "%40#", "%2e%2e%2f", "%2e%2e/#", "%5B#", "!#", "'()*#", "[#]", "é!", "+ ", "!'()*[]", "!$&'()*+,;=:@",
		"#12", "##", "#?", "?#", "?a=b", "?a b", "a?b#c", "&amp;", "\\..\\", "@refs/heads/x", "@{1}", "~1", "^2", ":x",
		"/", "//", "///", "/./", "/../", "/../../", "/../../../../../../", "/.", "/..", ".", "..", "...", "/...", "./", "../", "/.hidden", "a/./b/../c", "//a//b//",
		"/%2e%2e/", "/%2E/", "%2F..%2F", "/;/", "/:/", "/@/", "/ /", "/#/", "/?/../#")
	var subjects []subject
	for i, base := range bases {
		for j, position := range positions {
			// Every oddity at every place of the first base, at one place of the others.
			if i > 0 && j != 3 {
				continue
			}
			for _, odd := range oddities {
				subjects = append(subjects, join(base, fmt.Sprintf(position, odd)))
			}
		}
		for _, odd := range oddities {
			subjects = append(subjects, join(base, odd))
		}
	}
	var addresses []address
	for _, odd := range append(oddities, "", "-", "a.b", ".a", "a.", "a..b", "a\x00", "a\n", "xn--a", "\"a b\"") {
		for _, position := range []string{"a%sb@example.com", "%sb@example.com", "a%s@example.com", "a@ex%sample.com", "a@%s.com", "a@example.%s", "a@example.co%sm", "a@example.com%s", "a@%s"} {
			addresses = append(addresses, certify(fmt.Sprintf(position, odd)))
		}
	}
	for _, email := range []string{"", "a", "@", "a@b", "a@localhost", "a@b.c", "a@b.co", "a@1.2.3.4", "a@b.1", "a@b.c1", "a@b.1c", "a@b.c1d", "a@[127.0.0.1]", "a@b.example.", "a@b..example",
		"a@b@c.example", "A <a@b.example>", "a@b.example,c@d.example", "\"a\"@b.example", "\"a@b\"@c.example", "a@b_c.example", "a@_b.example", "a@-b.example", "a@b-.example", "a@b.ex-ample", "a@b.-example", "a@b.example-", "a@xn--bcher-kva.example", "a@b.xn--p1ai",
		"o'brien@b.example", "a+b@c.example", "a/b@c.example", "a=b@c.example", "{a}@b.example", "a@0.example", "0@a.example", "a@b.e"} {
		addresses = append(addresses, certify(email))
	}
	fmt.Printf("{\"subjects\": %s,\n\"addresses\": %s}\n", rows(subjects), rows(addresses))
}

// rows puts each on a line of its own, for whoever compares two versions of the file.
func rows[T any](all []T) string {
	lines := make([]string, len(all))
	for i, row := range all {
		line, err := json.Marshal(row)
		if err != nil {
			panic(err)
		}
		lines[i] = string(line)
	}
	return "[\n" + strings.Join(lines, ",\n") + "\n]"
}
