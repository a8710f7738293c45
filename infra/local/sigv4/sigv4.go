// Package sigv4 checks signatures of version 4 on requests to the stack's AWS services: in the Authorization header or,
// for S3, in the query of a presigned link.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"pixeltrack.io/platform/infra/local/identity"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"

	// Skew is how far the date of a signed request may be from the clock.
	Skew = 15 * time.Minute

	// MaxExpiry is the longest life of a presigned link.
	MaxExpiry = 7 * 24 * time.Hour

	// Unsigned stands where the hash of the body would be.
	Unsigned = "UNSIGNED-PAYLOAD"

	hashHeader = "X-Amz-Content-Sha256"
)

// Error says why a request is refused, with S3's code for it.
type Error struct {
	Status  int
	Code    string
	Message string
}

// Error gives code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Verifier finds out who signed a request.
type Verifier struct {
	Identities *identity.Registry
	Now        func() time.Time // the stack's clock
	Scope      Scope            // what a signature must be for; the zero value takes any
}

// Scope is a service in a region.
type Scope struct{ Region, Service string }

// Signed is a request whose signature is good.
type Signed struct {
	Identity    identity.Identity
	Presigned   bool
	PayloadHash string // what the signature says of the body: a hash in hex, Unsigned or a streaming scheme

	key       []byte
	date      string
	scope     string
	signature string
}

// claim is what a request says about its signature.
type claim struct {
	accessKey, day, region, service string
	signed                          []string
	signature                       string
	date                            string
	expires                         time.Duration // of a presigned link
	presigned                       bool
}

// Verify checks a request. PayloadHash is the hash of the body in hex where the protocol does not send it; empty takes
// it from the request, as S3 does. The date of a header signature may be near real time or near the stack's time, for a
// function signs by the machine's clock; a presigned link lives by the stack's time alone, and outlives the process
// that signed it.
func (v *Verifier) Verify(r *http.Request, payloadHash string) (*Signed, error) {
	c, err := parse(r)
	if err != nil {
		return nil, err
	}
	if v.Scope != (Scope{}) && v.Scope != (Scope{c.region, c.service}) {
		return nil, c.misplaced()
	}
	lookup := v.Identities.Lookup
	if c.presigned {
		lookup = v.Identities.Signer
	}
	who, ok := lookup(c.accessKey)
	if !ok {
		return nil, &Error{http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."}
	}
	if err := v.judgeDate(c); err != nil {
		return nil, err
	}
	if !slices.Contains(c.signed, "host") || unsignedAmz(r, c.signed) {
		return nil, &Error{http.StatusForbidden, "AccessDenied", "There were headers present in the request which were not signed"}
	}
	if payloadHash == "" {
		payloadHash = claimedHash(r, c.presigned)
	}
	if payloadHash == "" {
		return nil, &Error{http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"}
	}
	scope := c.day + "/" + c.region + "/" + c.service + "/aws4_request"
	key := deriveKey(who.Secret, c)
	text := strings.Join([]string{algorithm, c.date, scope, hashText(canonical(r, c, payloadHash))}, "\n")
	want := hex.EncodeToString(mac(key, text))
	if !hmac.Equal([]byte(want), []byte(c.signature)) {
		return nil, mismatch()
	}
	return &Signed{Identity: who, Presigned: c.presigned, PayloadHash: payloadHash, key: key, date: c.date, scope: scope, signature: c.signature}, nil
}

func mismatch() *Error {
	return &Error{http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method."}
}

func claimedHash(r *http.Request, presigned bool) string {
	if h := r.Header.Get(hashHeader); h != "" {
		return h
	}
	if !presigned {
		return ""
	}
	if h := r.URL.Query().Get(hashHeader); h != "" {
		return h
	}
	return Unsigned
}

func parse(r *http.Request) (claim, error) {
	if r.URL.Query().Has("X-Amz-Signature") || r.URL.Query().Has("X-Amz-Algorithm") {
		return parseQuery(r.URL.Query())
	}
	return parseHeader(r)
}

func parseHeader(r *http.Request) (claim, error) {
	text := r.Header.Get("Authorization")
	if text == "" {
		return claim{}, &Error{http.StatusForbidden, "AccessDenied", "Access Denied"}
	}
	malformed := &Error{http.StatusBadRequest, "AuthorizationHeaderMalformed", "The authorization header that you provided is not valid."}
	rest, ok := strings.CutPrefix(text, algorithm+" ")
	if !ok {
		return claim{}, malformed
	}
	c := claim{date: r.Header.Get("X-Amz-Date")}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			if !c.credential(value) {
				return claim{}, malformed
			}
		case "SignedHeaders":
			c.signed = strings.Split(value, ";")
		case "Signature":
			c.signature = value
		}
	}
	if c.accessKey == "" || c.signature == "" || len(c.signed) == 0 {
		return claim{}, malformed
	}
	return c, nil
}

func parseQuery(q url.Values) (claim, error) {
	malformed := &Error{http.StatusBadRequest, "AuthorizationQueryParametersError", "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."}
	c := claim{presigned: true, date: q.Get("X-Amz-Date"), signature: q.Get("X-Amz-Signature"), signed: strings.Split(q.Get("X-Amz-SignedHeaders"), ";")}
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	if q.Get("X-Amz-Algorithm") != algorithm || !c.credential(q.Get("X-Amz-Credential")) || c.signature == "" || err != nil {
		return claim{}, malformed
	}
	c.expires = time.Duration(seconds) * time.Second
	if seconds < 1 || c.expires > MaxExpiry {
		return claim{}, &Error{http.StatusBadRequest, "AuthorizationQueryParametersError", "X-Amz-Expires must be between 1 and 604800 seconds"}
	}
	return c, nil
}

// misplaced says that a signature is for another region or service.
func (c *claim) misplaced() *Error {
	e := &Error{http.StatusBadRequest, "AuthorizationHeaderMalformed", "The authorization header is malformed; the credential is for another region or service."}
	if c.presigned {
		e.Code, e.Message = "AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter; it is for another region or service."
	}
	return e
}

func (c *claim) credential(text string) bool {
	p := strings.Split(text, "/")
	if len(p) != 5 || p[4] != "aws4_request" {
		return false
	}
	c.accessKey, c.day, c.region, c.service = p[0], p[1], p[2], p[3]
	return true
}

func (v *Verifier) judgeDate(c claim) error {
	at, err := time.Parse(timeFormat, c.date)
	if err != nil || !strings.HasPrefix(c.date, c.day) {
		return &Error{http.StatusForbidden, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"}
	}
	now := v.Now()
	if !c.presigned {
		if now.Sub(at).Abs() > Skew && time.Since(at).Abs() > Skew {
			return &Error{http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."}
		}
		return nil
	}
	if at.After(now.Add(Skew)) {
		return &Error{http.StatusForbidden, "AccessDenied", "Request is not yet valid"}
	}
	if now.After(at.Add(c.expires)) {
		return &Error{http.StatusForbidden, "AccessDenied", "Request has expired"}
	}
	return nil
}

// unsignedAmz says whether the request bears an x-amz header that its signature does not cover.
func unsignedAmz(r *http.Request, signed []string) bool {
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(signed, lower) {
			return true
		}
	}
	return false
}

func canonical(r *http.Request, c claim, payloadHash string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + canonicalPath(r.URL, c.service) + "\n" + canonicalQuery(r.URL.RawQuery) + "\n")
	for _, name := range c.signed {
		b.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(c.signed, ";") + "\n" + payloadHash)
	return b.String()
}

func canonicalPath(u *url.URL, service string) string {
	path := u.Path
	if path == "" {
		path = "/"
	}
	if service == "s3" {
		return escape(path, true)
	}
	return escape(u.EscapedPath(), true) // every service but S3 escapes twice
}

func canonicalQuery(raw string) string {
	var pairs []string
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, value = reescape(name), reescape(value)
		if name != "X-Amz-Signature" {
			pairs = append(pairs, name+"="+value)
		}
	}
	slices.SortFunc(pairs, func(a, b string) int {
		an, av, _ := strings.Cut(a, "=")
		bn, bv, _ := strings.Cut(b, "=")
		if an != bn {
			return strings.Compare(an, bn)
		}
		return strings.Compare(av, bv)
	})
	return strings.Join(pairs, "&")
}

func reescape(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return text // the signature will not match
	}
	return escape(plain, false)
}

func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	case "transfer-encoding":
		return strings.Join(r.TransferEncoding, ",")
	}
	values := slices.Clone(r.Header.Values(name))
	for i, v := range values {
		values[i] = strings.Join(strings.FieldsFunc(v, func(c rune) bool { return c == ' ' }), " ")
	}
	return strings.Join(values, ",")
}

// escape encodes all but the unreserved characters of RFC 3986, and the slash when told to keep it.
func escape(text string, keepSlash bool) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~", c) >= 0
		if plain || keepSlash && c == '/' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

func deriveKey(secret string, c claim) []byte {
	return mac(mac(mac(mac([]byte("AWS4"+secret), c.day), c.region), c.service), "aws4_request")
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text)) // never fails
	return m.Sum(nil)
}
