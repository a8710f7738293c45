// Package gateway plays the edge and the HTTP APIs of the local stack: it turns requests into payload v2 events, asks
// the authorizer, answers CORS and its own errors, and turns the functions' answers back.
package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"pixeltrack.io/platform/infra/local/lambda"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/template"
)

// Limits of an HTTP API and of Lambda's answers, in bytes and time.
const (
	maxRequest  = 10 << 20
	maxPayload  = 6 << 20
	integration = 30 * time.Second
)

// RequestHeader lets a test give a request its id, so that it can plan what goes wrong with it.
const RequestHeader = "X-Local-Request"

// ErrorHeader says beside a 500 what became of the function, which AWS writes to a log alone.
const ErrorHeader = "X-Local-Error"

var requestID = regexp.MustCompile(`^[0-9A-Za-z-]{8,64}$`)

// Invoker runs functions.
type Invoker interface {
	Invoke(ctx context.Context, name string, payload []byte, request string) (lambda.Result, error)
	NewRequestID() string
}

// Gateway serves every API of a cloud on one port.
type Gateway struct {
	Cloud   *template.Cloud
	Lambda  Invoker
	Clock   *simclock.Clock
	Secret  func() string // the edge's secret
	mu      sync.Mutex
	allowed map[string]time.Time // authorizer answers, by API and secret, until when they count
}

// ServeHTTP serves one request of a viewer.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request := r.Header.Get(RequestHeader)
	r.Header.Del(RequestHeader)
	if !requestID.MatchString(request) {
		request = g.Lambda.NewRequestID()
	}
	h := w.Header()
	h.Set("Apigw-Requestid", request)
	h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains; preload")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	g.edge(r)
	path := r.URL.EscapedPath()
	api, route, parameters := g.find(r.Method, path)
	if api == nil {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" && len(api.CORS.Origins) > 0 {
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			preflight(w, api.CORS, origin)
			return
		}
		cross(h, api.CORS, origin)
	}
	if route == nil {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		refuse(w, http.StatusBadRequest, "Bad Request")
		return
	}
	if len(body) > maxRequest || base64.StdEncoding.EncodedLen(len(body)) > maxPayload && !utf8.Valid(body) || len(body) > maxPayload-(64<<10) {
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	event := g.event(api, route, r, path, parameters, body, request)
	ctx, cancel := context.WithTimeout(r.Context(), integration)
	defer cancel()
	if status, message := g.authorize(ctx, api, event, request); status != 0 {
		refuse(w, status, message)
		return
	}
	payload, err := json.Marshal(event)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	result, err := g.Lambda.Invoke(ctx, route.Function, payload, request)
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		refuse(w, http.StatusServiceUnavailable, "Service Unavailable")
	case err != nil || result.Error != "":
		w.Header().Set(ErrorHeader, strings.Join(strings.Fields(fmt.Sprint(err, " ", result.Error)), " "))
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
	default:
		respond(w, result.Payload)
	}
}

// edge does what CloudFront does to the headers.
func (g *Gateway) edge(r *http.Request) {
	viewer := r.RemoteAddr
	if v := r.Header.Get("X-Local-Viewer"); v != "" {
		viewer = v
		if _, _, err := net.SplitHostPort(v); err != nil {
			viewer = net.JoinHostPort(strings.Trim(v, "[]"), "443")
		}
	}
	r.Header.Del("X-Local-Viewer")
	r.Header.Set("Cloudfront-Viewer-Address", viewer)
	r.Header.Set("X-Edge-Secret", g.Secret())
	r.Header.Set("X-Forwarded-Proto", "https")
}

// find gives the API and route of a path: an exact segment goes before a parameter, a parameter before a greedy one.
func (g *Gateway) find(method, path string) (*template.API, *template.Route, map[string]string) {
	var (
		api        *template.API
		route      *template.Route
		parameters map[string]string
		best       = ""
	)
	for i := range g.Cloud.APIs {
		a := &g.Cloud.APIs[i]
		for j := range a.Routes {
			rt := &a.Routes[j]
			found, rank := match(rt.Path, path)
			if rank == "" {
				continue
			}
			if api == nil {
				api = a
			}
			if rt.Method != method && rt.Method != "ANY" || rank <= best {
				continue
			}
			api, route, parameters, best = a, rt, found, rank
		}
	}
	return api, route, parameters
}

// match compares a path with a route's; the rank orders matches, one letter for each segment.
func match(pattern, path string) (map[string]string, string) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	parameters := map[string]string{}
	rank := ""
	for i, segment := range want {
		if strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "+}") && i < len(have) {
			parameters[segment[1:len(segment)-2]] = strings.Join(have[i:], "/")
			return parameters, rank + "a"
		}
		if i >= len(have) {
			return nil, ""
		}
		switch {
		case strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}"):
			if have[i] == "" {
				return nil, ""
			}
			parameters[segment[1:len(segment)-1]] = have[i]
			rank += "b"
		case segment == have[i]:
			rank += "c"
		default:
			return nil, ""
		}
	}
	if len(want) != len(have) {
		return nil, ""
	}
	return parameters, rank
}

// event is payload format 2.0.
func (g *Gateway) event(api *template.API, route *template.Route, r *http.Request, path string, parameters map[string]string, body []byte, request string) map[string]any {
	now := g.Clock.Now()
	headers := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		if textproto.CanonicalMIMEHeaderKey(name) == "Cookie" {
			continue
		}
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	headers["content-length"] = strconv.Itoa(len(body))
	if len(body) == 0 {
		delete(headers, "content-length")
	}
	query := map[string]string{}
	for name, values := range r.URL.Query() {
		query[name] = strings.Join(values, ",")
	}
	source, _, _ := net.SplitHostPort(r.RemoteAddr)
	key := route.Method + " " + route.Path
	event := map[string]any{
		"version": "2.0", "routeKey": key, "rawPath": r.URL.Path, "rawQueryString": r.URL.RawQuery, "headers": headers,
		"requestContext": map[string]any{
			"accountId": template.Account, "apiId": api.Area, "domainName": r.Host, "domainPrefix": api.Area,
			"http":      map[string]any{"method": r.Method, "path": r.URL.Path, "protocol": r.Proto, "sourceIp": source, "userAgent": r.UserAgent()},
			"requestId": request, "routeKey": key, "stage": "$default",
			"time": now.Format("02/Jan/2006:15:04:05 -0700"), "timeEpoch": now.UnixMilli(),
		},
		"isBase64Encoded": false,
	}
	if len(query) > 0 {
		event["queryStringParameters"] = query
	}
	if len(parameters) > 0 {
		event["pathParameters"] = parameters
	}
	var cookies []string
	for _, line := range r.Header["Cookie"] {
		for _, c := range strings.Split(line, ";") {
			if c = strings.TrimSpace(c); c != "" {
				cookies = append(cookies, c)
			}
		}
	}
	if cookies != nil {
		event["cookies"] = cookies
	}
	if len(body) > 0 {
		event["body"] = string(body)
		if !isText(r.Header.Get("Content-Type")) || !utf8.Valid(body) {
			event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString(body), true
		}
	}
	return event
}

// isText says whether an HTTP API hands a body over as text.
func isText(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	return strings.HasPrefix(t, "text/") || slices.Contains([]string{"application/json", "application/javascript", "application/xml"}, t) ||
		strings.HasSuffix(t, "+json") || strings.HasSuffix(t, "+xml")
}

// authorize asks the API's authorizer, or remembers its answer. A status other than 0 refuses.
func (g *Gateway) authorize(ctx context.Context, api *template.API, event map[string]any, request string) (int, string) {
	if api.Authorizer == "" {
		return 0, ""
	}
	headers, _ := event["headers"].(map[string]string)
	shown := headers[api.Identity]
	if shown == "" {
		return http.StatusUnauthorized, "Unauthorized"
	}
	key := api.Area + "\n" + shown
	g.mu.Lock()
	until, known := g.allowed[key]
	g.mu.Unlock()
	if known && time.Now().Before(until) {
		return 0, ""
	}
	ask := map[string]any{"version": "2.0", "type": "REQUEST", "routeArn": "arn:aws:execute-api:us-east-1:" + template.Account + ":" + api.Area,
		"identitySource": []string{shown}, "routeKey": event["routeKey"], "rawPath": event["rawPath"],
		"rawQueryString": event["rawQueryString"], "headers": headers, "requestContext": event["requestContext"]}
	payload, err := json.Marshal(ask)
	if err != nil {
		return http.StatusInternalServerError, "Internal Server Error"
	}
	result, err := g.Lambda.Invoke(ctx, api.Authorizer, payload, "authorizer-"+request)
	if err != nil || result.Error != "" {
		return http.StatusInternalServerError, "Internal Server Error"
	}
	var answer struct {
		IsAuthorized bool `json:"isAuthorized"`
	}
	if json.Unmarshal(result.Payload, &answer) != nil || !answer.IsAuthorized {
		return http.StatusForbidden, "Forbidden"
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.allowed == nil {
		g.allowed = map[string]time.Time{}
	}
	g.allowed[key] = time.Now().Add(api.TTL)
	return 0, ""
}

func respond(w http.ResponseWriter, payload []byte) {
	var a struct {
		StatusCode      int               `json:"statusCode"`
		Headers         map[string]string `json:"headers"`
		Cookies         []string          `json:"cookies"`
		Body            *string           `json:"body"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
	}
	if len(payload) > maxPayload {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	if err := json.Unmarshal(payload, &a); err != nil || a.StatusCode == 0 {
		w.Header().Set("Content-Type", "application/json")
		w.Write(payload) // a function that answers no structure: 200 with what it said
		return
	}
	var body []byte
	if a.Body != nil {
		body = []byte(*a.Body)
		if a.IsBase64Encoded {
			decoded, err := base64.StdEncoding.DecodeString(*a.Body)
			if err != nil {
				refuse(w, http.StatusInternalServerError, "Internal Server Error")
				return
			}
			body = decoded
		}
	}
	for name, value := range a.Headers {
		if strings.HasPrefix(strings.ToLower(name), "access-control-") {
			continue // CORS is the API's
		}
		w.Header().Set(name, value)
	}
	for _, c := range a.Cookies {
		w.Header().Add("Set-Cookie", c)
	}
	w.WriteHeader(a.StatusCode)
	w.Write(body) // a lost connection is the viewer's
}

func preflight(w http.ResponseWriter, c template.CORS, origin string) {
	if cross(w.Header(), c, origin) {
		h := w.Header()
		h.Set("Access-Control-Allow-Methods", strings.Join(c.Methods, ","))
		h.Set("Access-Control-Allow-Headers", strings.Join(c.Headers, ","))
		if c.MaxAge > 0 {
			h.Set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// cross sets the headers for an origin that the API allows.
func cross(h http.Header, c template.CORS, origin string) bool {
	if !slices.Contains(c.Origins, origin) && !slices.Contains(c.Origins, "*") {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Add("Vary", "Origin")
	if c.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(c.Expose) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.Expose, ","))
	}
	return true
}

// refuse is one of the gateway's own errors.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message":%q}`, message)
}
