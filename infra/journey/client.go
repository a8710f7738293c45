// Package journey calls the API and the local stack's control as a person's programs would. The demo plays through it
// and the end-to-end tests ask through it.
package journey

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client speaks to one stack.
type Client struct {
	API     string // http://127.0.0.1:8080
	Control string // http://127.0.0.1:8081
	HTTP    *http.Client
}

// Call is one request of the API.
type Call struct {
	Method  string
	Path    string
	Token   string
	Key     string // Idempotency-Key
	IfMatch string
	Body    any // made JSON; a []byte goes as it is
	Headers map[string]string
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Code is the code of a refusal.
func (a Answer) Code() string {
	var p struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(a.Body, &p) != nil {
		return ""
	}
	return p.Code
}

// Text gives a member of the body by its path of names, "user.id" for example, as text; empty when it is not there.
func (a Answer) Text(path string) string {
	var v any
	if json.Unmarshal(a.Body, &v) != nil {
		return ""
	}
	for _, name := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(at) {
				return ""
			}
			v = at[i]
		default:
			return ""
		}
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// Do makes a call.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	var body io.Reader = http.NoBody
	if raw, ok := call.Body.([]byte); ok {
		body = bytes.NewReader(raw)
	} else if call.Body != nil {
		text, err := json.Marshal(call.Body)
		if err != nil {
			return Answer{}, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, c.API+call.Path, body)
	if err != nil {
		return Answer{}, err
	}
	if call.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range map[string]string{"Authorization": bearer(call.Token), "Idempotency-Key": call.Key, "If-Match": call.IfMatch} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	for name, value := range call.Headers {
		req.Header.Set(name, value)
	}
	return c.send(req)
}

func bearer(token string) string {
	if token == "" {
		return ""
	}
	return "Bearer " + token
}

func (c *Client) send(req *http.Request) (Answer, error) {
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err)
	}
	return Answer{Status: res.StatusCode, Header: res.Header, Body: text}, nil
}

// control calls the stack's control and reads its answer into out, which may be nil.
func (c *Client) control(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil || method == http.MethodPost {
		if in == nil {
			in = struct{}{}
		}
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Control+path, body)
	if err != nil {
		return err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	a, err := c.send(req)
	if err != nil {
		return err
	}
	if a.Status >= 300 {
		return fmt.Errorf("control %s %s: %d: %s", method, path, a.Status, a.Body)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(a.Body, out); err != nil {
		return fmt.Errorf("control %s: %w", path, err)
	}
	return nil
}

// Mail is a mail that the stack's Resend took.
type Mail struct {
	ID      string            `json:"id"`
	To      []string          `json:"to"`
	ReplyTo []string          `json:"reply_to"`
	Subject string            `json:"subject"`
	Text    string            `json:"text"`
	HTML    string            `json:"html"`
	Links   []string          `json:"links"`
	Headers map[string]string `json:"headers"`
	SentAt  time.Time         `json:"sent_at"`
}

// Mails gives the mails to an address, newest first.
func (c *Client) Mails(ctx context.Context, to string) ([]Mail, error) {
	var raw json.RawMessage
	if err := c.control(ctx, http.MethodGet, "/_local/mail?to="+url.QueryEscape(to), nil, &raw); err != nil {
		return nil, err
	}
	var list []Mail
	if json.Unmarshal(raw, &list) == nil {
		return list, nil
	}
	var wrapped struct {
		Data []Mail `json:"data"`
	}
	if err := json.Unmarshal(raw, &wrapped); err != nil {
		return nil, fmt.Errorf("mails: %w", err)
	}
	return wrapped.Data, nil
}

// Now is the stack's time.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	var out struct {
		Now time.Time `json:"now"`
	}
	err := c.control(ctx, http.MethodGet, "/_local/clock", nil, &out)
	return out.Now, err
}

// Advance moves the stack's clock.
func (c *Client) Advance(ctx context.Context, d time.Duration) error {
	return c.control(ctx, http.MethodPost, "/_local/clock", map[string]string{"advance": d.String()}, nil)
}

// Settle waits until nothing is under way behind the API.
func (c *Client) Settle(ctx context.Context) error {
	return c.control(ctx, http.MethodPost, "/_local/settle", nil, nil)
}

// RunJob fires the schedule of a job and waits for its end.
func (c *Client) RunJob(ctx context.Context, function string) error {
	return c.control(ctx, http.MethodPost, "/_local/jobs/"+function+"/run", nil, nil)
}

// Sweep deletes what has expired.
func (c *Client) Sweep(ctx context.Context) error {
	return c.control(ctx, http.MethodPost, "/_local/ttl/sweep", nil, nil)
}

// Raw gives everything that the stack holds, in one text: rows, objects, mails or logs.
func (c *Client) Raw(ctx context.Context, what string) (string, error) {
	var raw json.RawMessage
	err := c.control(ctx, http.MethodGet, "/_local/"+what, nil, &raw)
	return string(raw), err
}
