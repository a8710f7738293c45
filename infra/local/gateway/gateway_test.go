package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/local/gateway"
	"pixeltrack.io/platform/infra/local/lambda"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/template"
)

// functions answers for the functions behind the gateway and remembers their events.
type functions struct {
	mu     sync.Mutex
	events map[string][]map[string]any
	answer string
	secret string
}

func (f *functions) NewRequestID() string { return "request-1" }

func (f *functions) Invoke(_ context.Context, name string, payload []byte, _ string) (lambda.Result, error) {
	var event map[string]any
	if err := json.Unmarshal(payload, &event); err != nil {
		return lambda.Result{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events[name] = append(f.events[name], event)
	if name == "AuthorizeEdge" {
		headers, _ := event["headers"].(map[string]any)
		if headers["x-edge-secret"] == f.secret {
			return lambda.Result{Payload: []byte(`{"isAuthorized":true}`)}, nil
		}
		return lambda.Result{Payload: []byte(`{"isAuthorized":false}`)}, nil
	}
	if f.answer == "fail" {
		return lambda.Result{Error: "it broke"}, nil
	}
	return lambda.Result{Payload: []byte(f.answer)}, nil
}

func world(t *testing.T) (*functions, *httptest.Server) {
	t.Helper()
	f := &functions{events: map[string][]map[string]any{}, secret: "right", answer: `{"statusCode":201,"headers":{"etag":"\"1\"","access-control-allow-origin":"*"},"cookies":["a=1","b=2"],"body":"{}"}`}
	cloud := &template.Cloud{APIs: []template.API{{Area: "clients", Authorizer: "AuthorizeEdge", Identity: "x-edge-secret", TTL: time.Hour,
		CORS: template.CORS{Origins: []string{"https://app.example.com"}, Methods: []string{"GET", "POST"}, Headers: []string{"content-type"}, Credentials: true, MaxAge: 600},
		Routes: []template.Route{{Method: "GET", Path: "/v1/clients/{id}", Function: "GetClient"}, {Method: "POST", Path: "/v1/clients", Function: "CreateClient"},
			{Method: "GET", Path: "/v1/clients/tags", Function: "ListTags"}, {Method: "GET", Path: "/v1/files/{path+}", Function: "GetFile"}}}}}
	secret := func() string { return "right" }
	g := httptest.NewServer(&gateway.Gateway{Cloud: cloud, Lambda: f, Clock: new(simclock.Clock), Secret: secret})
	t.Cleanup(g.Close)
	return f, g
}

func send(t *testing.T, method, url string, body []byte, headers map[string]string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func TestTheEventIsPayloadFormat2(t *testing.T) {
	f, g := world(t)
	res, body := send(t, "GET", g.URL+"/v1/clients/cli_1?tag=a&tag=b", nil, map[string]string{"Cookie": "x=1; y=2", "X-Local-Viewer": "203.0.113.7", "If-Match": `"1", "2"`,
		"X-Edge-Secret": "stolen", "CloudFront-Viewer-Address": "198.51.100.1:1"})
	if res.StatusCode != 201 || body != "{}" || res.Header.Get("ETag") != `"1"` || len(res.Header["Set-Cookie"]) != 2 {
		t.Errorf("answer = %d %s %v", res.StatusCode, body, res.Header)
	}
	if res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("the function's own CORS header reaches the viewer")
	}
	e := f.events["GetClient"][0]
	headers, _ := e["headers"].(map[string]any)
	parameters, _ := e["pathParameters"].(map[string]any)
	query, _ := e["queryStringParameters"].(map[string]any)
	for name, pair := range map[string][2]any{
		"version": {e["version"], "2.0"}, "routeKey": {e["routeKey"], "GET /v1/clients/{id}"}, "path parameter": {parameters["id"], "cli_1"},
		"query": {query["tag"], "a,b"}, "viewer": {headers["cloudfront-viewer-address"], "203.0.113.7:443"}, "secret": {headers["x-edge-secret"], "right"},
		"local header": {headers["x-local-viewer"], nil}, "body": {e["body"], nil},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s = %v; want %v", name, pair[0], pair[1])
		}
	}
	if cookies, _ := e["cookies"].([]any); len(cookies) != 2 {
		t.Errorf("cookies = %v; want two", e["cookies"])
	}
}

func TestRoutes(t *testing.T) {
	f, g := world(t)
	for _, tt := range []struct{ method, path, want string }{
		{"GET", "/v1/clients/tags", "ListTags"},
		{"GET", "/v1/clients/other", "GetClient"},
		{"POST", "/v1/clients", "CreateClient"},
		{"GET", "/v1/files/a/b/c", "GetFile"},
		{"GET", "/v1/clients", ""},
		{"GET", "/v1/clients/", ""},
		{"GET", "/v2/clients/x", ""},
		{"DELETE", "/v1/clients/x", ""},
	} {
		f.mu.Lock()
		f.events = map[string][]map[string]any{}
		f.mu.Unlock()
		res, body := send(t, tt.method, g.URL+tt.path, nil, nil)
		if tt.want == "" {
			if res.StatusCode != 404 || body != `{"message":"Not Found"}` {
				t.Errorf("%s %s = %d %s; want the gateway's 404", tt.method, tt.path, res.StatusCode, body)
			}
			continue
		}
		if len(f.events[tt.want]) != 1 {
			t.Errorf("%s %s did not reach %s: %v", tt.method, tt.path, tt.want, f.events)
		}
	}
}

func TestTheAuthorizerIsAskedOnceAndItsRefusalKept(t *testing.T) {
	f, g := world(t)
	for range 3 {
		send(t, "GET", g.URL+"/v1/clients/a", nil, nil)
	}
	if n := len(f.events["AuthorizeEdge"]); n != 1 {
		t.Errorf("the authorizer was asked %d times; want once", n)
	}
	f2, g2 := world(t)
	f2.secret = "another"
	res, body := send(t, "GET", g2.URL+"/v1/clients/a", nil, nil)
	if res.StatusCode != 403 || body != `{"message":"Forbidden"}` || len(f2.events["GetClient"]) != 0 {
		t.Errorf("a refusal gives %d %s and reaches the function %d times", res.StatusCode, body, len(f2.events["GetClient"]))
	}
}

func TestCORSIsTheGateways(t *testing.T) {
	f, g := world(t)
	res, _ := send(t, "OPTIONS", g.URL+"/v1/clients/a", nil, map[string]string{"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"})
	if res.StatusCode != 204 || res.Header.Get("Access-Control-Allow-Origin") != "https://app.example.com" || res.Header.Get("Access-Control-Max-Age") != "600" || len(f.events) != 0 {
		t.Errorf("preflight = %d %v", res.StatusCode, res.Header)
	}
	res, _ = send(t, "OPTIONS", g.URL+"/v1/clients/a", nil, map[string]string{"Origin": "https://evil.example.com", "Access-Control-Request-Method": "GET"})
	if res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("another origin is allowed")
	}
	res, _ = send(t, "GET", g.URL+"/v1/clients/a", nil, map[string]string{"Origin": "https://app.example.com"})
	if res.Header.Get("Access-Control-Allow-Origin") != "https://app.example.com" || res.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("headers = %v; want the origin and credentials", res.Header)
	}
}

func TestTheGatewaysOwnErrors(t *testing.T) {
	f, g := world(t)
	res, body := send(t, "POST", g.URL+"/v1/clients", bytes.Repeat([]byte("x"), 10<<20+1), map[string]string{"Content-Type": "application/json"})
	if res.StatusCode != 413 || !strings.Contains(body, "Request Entity Too Large") {
		t.Errorf("a body that is too large gives %d %s", res.StatusCode, body)
	}
	f.answer = "fail"
	res, body = send(t, "GET", g.URL+"/v1/clients/a", nil, nil)
	if res.StatusCode != 500 || body != `{"message":"Internal Server Error"}` {
		t.Errorf("a function that failed gives %d %s", res.StatusCode, body)
	}
	f.answer = `{"statusCode":200,"body":"AAEC","isBase64Encoded":true}`
	if _, body := send(t, "GET", g.URL+"/v1/clients/a", nil, nil); body != "\x00\x01\x02" {
		t.Errorf("a binary answer gives %q", body)
	}
	send(t, "POST", g.URL+"/v1/clients", []byte{0xff, 0xfe}, map[string]string{"Content-Type": "application/octet-stream"})
	e := f.events["CreateClient"][0]
	if e["isBase64Encoded"] != true || e["body"] != "//4=" {
		t.Errorf("a binary body is handed over as %v, %v", e["isBase64Encoded"], e["body"])
	}
}
