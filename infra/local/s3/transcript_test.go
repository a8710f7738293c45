package s3_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/s3"

	"pixeltrack.io/platform/infra/local/identity"
)

// exchange is a request and what was answered, freed of what differs from run to run: ids are numbered by their first
// appearance, a time is only known to be the present.
type exchange struct {
	request string
	answer  map[string]string // "status", or what was seen of several; headers by name, elements of an XML body by path, "body", "client"
}

// talk is one conversation with a server.
type talk struct {
	*testing.T
	*client.Client
	url  string
	tape *tape
}

func newTalk(t *testing.T, url string) *talk {
	k := &talk{T: t, url: url, tape: &tape{ids: map[string]string{}, kinds: map[string]int{}}}
	k.Client = k.as(identity.Root, identity.RootSecret)
	return k
}

// as is a client with other keys on the same tape.
func (k *talk) as(key, secret string) *client.Client {
	return client.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &k.url, RetryMaxAttempts: 1, HTTPClient: &http.Client{Transport: k.tape},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, "")}, func(o *client.Options) { o.UsePathStyle = true })
}

// heard writes down how the client understood the last answer, where that is not what the answer says.
func heard[T any](k *talk, out *T, err error) *T {
	k.tape.mu.Lock()
	defer k.tape.mu.Unlock()
	if n := len(k.tape.all); n > 0 && err != nil && !strings.HasSuffix(k.tape.all[n-1].answer["status"], " "+code(err)) {
		k.tape.all[n-1].answer["client"] = code(err)
	}
	if out == nil {
		out = new(T) // a test that goes on reads zeros
	}
	return out
}

// note writes down what was seen over several exchanges.
func (k *talk) note(what, seen string) {
	k.tape.mu.Lock()
	defer k.tape.mu.Unlock()
	k.tape.all = append(k.tape.all, exchange{what, map[string]string{"status": seen}})
}

// raw sends a request that is signed with the root key; the path is escaped and may have a query.
func (k *talk) raw(method, path, body string, headers ...string) http.Header {
	k.Helper()
	r := k.request(method, path, body, headers...)
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	if h := r.Header.Get("X-Amz-Content-Sha256"); h != "" {
		hash = h
	}
	r.Header.Set("X-Amz-Content-Sha256", hash)
	if err := sign(r, hash, identity.RootSecret, time.Now()); err != nil {
		k.Fatal(err)
	}
	return k.send(r)
}

func sign(r *http.Request, hash, secret string, at time.Time) error {
	return v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: identity.Root, SecretAccessKey: secret}, r, hash, "s3", "us-east-1", at,
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
}

func (k *talk) request(method, path, body string, headers ...string) *http.Request {
	k.Helper()
	target := path
	if !strings.HasPrefix(path, "http") {
		target = k.url + path
	}
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		k.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return r
}

// send sends a request as it is.
func (k *talk) send(r *http.Request) http.Header {
	k.Helper()
	answer, err := k.tape.RoundTrip(r)
	if err != nil {
		k.note(r.Method+" "+r.URL.Path, "no answer")
		return http.Header{}
	}
	answer.Body.Close()
	return answer.Header
}

// tape carries requests and keeps what was said.
type tape struct {
	mu    sync.Mutex
	all   []exchange
	ids   map[string]string // what an id of this run is called in the transcript
	kinds map[string]int
	off   bool
}

var transport = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 8}

// RoundTrip is what clients call.
func (p *tape) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.off {
		e := exchange{p.line(r), p.read(answer, body)}
		p.all = append(p.all, e)
	}
	return answer, nil
}

// quiet are headers of requests that say nothing about the conversation.
var quiet = []string{"Authorization", "User-Agent", "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "Accept-Encoding", "X-Amz-Date", "Content-Length"}

var hashInHex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// line gives a request in one line.
func (p *tape) line(r *http.Request) string {
	q := r.URL.Query()
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature", "X-Amz-SignedHeaders", "x-id"} {
		q.Del(name)
	}
	if t := q.Get("continuation-token"); p.ids[t] != "" {
		q.Set("continuation-token", p.ids[t])
	}
	line := r.Method + " " + r.URL.EscapedPath()
	if len(q) > 0 {
		text, err := url.QueryUnescape(q.Encode())
		if err != nil {
			text = q.Encode()
		}
		line += "?" + text
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if slices.Contains(quiet, name) || r.Method == http.MethodPost && name == "X-Amz-Checksum-Crc32" || name == "X-Amz-Content-Sha256" && hashInHex.MatchString(r.Header.Get(name)) {
			continue
		}
		line += " [" + name + ": " + strings.Join(r.Header[name], ", ") + "]"
	}
	for id, name := range p.ids {
		if len(id) > 8 {
			line = strings.ReplaceAll(line, id, name)
		}
	}
	return present.ReplaceAllStringFunc(shorten(line), func(at string) string { return now(at) })
}

// shorten keeps long keys readable.
func shorten(text string) string {
	return longRun.ReplaceAllStringFunc(text, func(s string) string { return s[:1] + "{" + fmt.Sprint(len(s)) + "}" })
}

var (
	longRun = regexp.MustCompile(`k{20,}`)
	present = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT`)
)

// now puts a word for a time of this run. Others stay as they are.
func now(text string) string {
	for _, layout := range []string{time.RFC3339, http.TimeFormat} {
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		switch d := time.Since(at); {
		case d.Abs() < time.Minute:
			return "<now>"
		case d.Abs() < 100*24*time.Hour:
			return fmt.Sprintf("<now%+d min>", -int(d.Round(time.Minute)/time.Minute))
		}
	}
	return text
}

// told are the headers of answers that are part of the conversation.
func told(name string) bool {
	for _, prefix := range []string{"Content-", "Cache-Control", "Expires", "Etag", "Last-Modified", "Accept-Ranges", "X-Amz-", "Access-Control-", "Vary"} {
		if strings.HasPrefix(name, prefix) {
			return name != "X-Amz-Request-Id" && name != "X-Amz-Id-2"
		}
	}
	return false
}

// read gives an answer's parts by name.
func (p *tape) read(answer *http.Response, body []byte) map[string]string {
	a := map[string]string{"status": fmt.Sprint(answer.StatusCode)}
	for name, values := range answer.Header {
		if told(name) {
			a[name] = p.plain(name, strings.Join(values, ", "))
		}
	}
	isXML := strings.HasPrefix(answer.Header.Get("Content-Type"), "application/xml")
	if isXML || len(body) == 0 && answer.Request.Method != http.MethodHead && answer.Request.Method != http.MethodGet {
		delete(a, "Content-Length") // says nothing that the body does not
	}
	switch {
	case isXML:
		p.readXML(a, body)
	case len(body) == 0:
	case len(body) < 40 && slices.Max(body) < 127:
		a["body"] = fmt.Sprintf("%q", body)
	default:
		a["body"] = fmt.Sprintf("%d bytes, sha256 %.12x", len(body), sha256.Sum256(body))
	}
	if answer.StatusCode >= 400 {
		p.refusal(a)
	}
	return a
}

// refusal puts an error's code beside the status. What else an error holds must be there and is not compared: S3 does
// not document which details it tells with which code.
func (p *tape) refusal(a map[string]string) {
	delete(a, "Content-Length")
	if a["Error/Code"] == "" {
		return
	}
	a["status"] += " " + a["Error/Code"]
	if a["Error/Message"] == "" || a["Error/RequestId"] == "" {
		a["status"] += " without message and request id"
	}
	maps.DeleteFunc(a, func(name, _ string) bool { return strings.HasPrefix(name, "Error") })
}

// readXML adds the texts of all elements, those of one path joined in their order.
func (p *tape) readXML(a map[string]string, body []byte) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var path []string
	var text string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			a["body"] = "malformed: " + err.Error()
			return
		}
		switch t := token.(type) {
		case xml.StartElement:
			path, text = append(path, t.Name.Local), ""
			if len(path) == 1 {
				a[t.Name.Local] = "in " + t.Name.Space
			}
		case xml.CharData:
			text += string(t)
		case xml.EndElement:
			name := strings.Join(path, "/")
			if text = strings.TrimSpace(text); text != "" {
				text = p.plain(t.Name.Local, text)
				if old, ok := a[name]; ok {
					text = old + " | " + text
				}
				a[name] = text
			}
			path, text = path[:len(path)-1], ""
		}
	}
}

// plain gives a value without what only this run knows.
func (p *tape) plain(name, value string) string {
	lower := strings.ToLower(strings.ReplaceAll(name, "-", ""))
	switch {
	case name == "Message" || name == "RequestId" || name == "HostId" || name == "Location":
		return "<some>"
	case strings.HasSuffix(lower, "token"):
		if name == "NextContinuationToken" {
			p.ids[value] = "<token>"
		}
		return "<token>"
	case strings.Contains(lower, "versionid") && value != "null":
		return p.id("version", value)
	case strings.Contains(lower, "uploadid"):
		return p.id("upload", value)
	}
	return shorten(present.ReplaceAllStringFunc(value, now))
}

func (p *tape) id(kind, value string) string {
	if p.ids[value] == "" {
		p.kinds[kind]++
		p.ids[value] = fmt.Sprintf("<%s %d>", kind, p.kinds[kind])
	}
	return p.ids[value]
}

// String is the whole conversation.
func (p *tape) String() string {
	var b strings.Builder
	for i, e := range p.all {
		fmt.Fprintf(&b, "%d %s -> %s\n", i+1, e.request, e.answer["status"])
		for _, name := range slices.Sorted(maps.Keys(e.answer)) {
			if name != "status" {
				fmt.Fprintf(&b, "    %s: %s\n", name, e.answer[name])
			}
		}
	}
	return b.String()
}
