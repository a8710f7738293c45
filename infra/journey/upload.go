package journey

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Grant is what the answer to an announced file lets its caller do.
type Grant struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
}

// GrantOf reads the grant in an answer.
func GrantOf(a Answer) (Grant, error) {
	var file struct {
		Upload Grant `json:"upload"`
	}
	err := json.Unmarshal(a.Body, &file)
	return file.Upload, err
}

// Upload sends bytes straight to the bucket, as a browser does, and gives the status.
func (c *Client) Upload(g Grant, content []byte) (int, error) {
	r, err := http.NewRequest(g.Method, g.URL, bytes.NewReader(content))
	if err != nil {
		return 0, err
	}
	for name, value := range g.Headers {
		if name != "content-length" { // it is sent by itself
			r.Header.Set(name, value)
		}
	}
	a, err := c.send(r)
	return a.Status, err
}

// Announce is the body of a request for an upload.
func Announce(of, parent, name, mediaType string, content []byte) map[string]any {
	sum := sha256.Sum256(content)
	return map[string]any{"name": name, "size": len(content), "media_type": mediaType, "sha256": hex.EncodeToString(sum[:]), "parent_type": of, "parent_id": parent}
}

func (p *player) upload() {
	p.say("Upload a file straight to its bucket, confirm it, and fetch it again")
	content := fmt.Appendf(nil, "Sketches of %s", p.person.Name)
	a := p.call(201, Call{Method: http.MethodPost, Path: "/v1/files", Body: Announce("project", p.project, "Sketches of "+p.person.Name+".txt", "text/plain", content)})
	if p.err != nil {
		return
	}
	g, err := GrantOf(a)
	p.do("grant", err)
	for _, tt := range []struct {
		what    string
		content []byte
		want    int
	}{{"a byte more", append([]byte("x"), content...), 403}, {"the file", content, 200}, {"the file again", content, 412}} {
		status, err := p.Upload(g, tt.content)
		p.do("upload", err)
		if status != tt.want {
			p.fail("uploading %s = %d; want %d", tt.what, status, tt.want)
		}
		p.note("PUT of %s → %d", tt.what, status)
	}
	p.file = a.Text("id")
	p.call(200, Call{Method: http.MethodPost, Path: "/v1/files/" + p.file + "/confirm"})
	p.fetch(content)
}

// fetch follows a link to the file.
func (p *player) fetch(want []byte) {
	a := p.call(200, Call{Method: http.MethodGet, Path: "/v1/files/" + p.file + "/download"})
	if p.err != nil {
		return
	}
	res, err := http.Get(a.Text("url"))
	if err != nil {
		p.fail("fetch: %w", err)
		return
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err != nil || !bytes.Equal(got, want) {
		p.fail("the file = %d %.300q, %v; want what was uploaded", res.StatusCode, got, err)
	}
}
