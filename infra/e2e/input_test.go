package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/size"
)

// document is what this test reads of the OpenAPI document.
type document struct {
	Paths      map[string]map[string]operation `yaml:"paths"`
	Components struct {
		Schemas map[string]schema `yaml:"schemas"`
	} `yaml:"components"`
}

type operation struct {
	ID         string `yaml:"operationId"`
	Parameters []struct {
		Name, In string
		Schema   schema
	} `yaml:"parameters"`
	RequestBody struct {
		Content map[string]struct {
			Schema  schema `yaml:"schema"`
			Example any    `yaml:"example"`
		} `yaml:"content"`
	} `yaml:"requestBody"`
	Responses map[string]struct {
		Description string         `yaml:"description"`
		Content     map[string]any `yaml:"content"`
	} `yaml:"responses"`
	Security []map[string]any `yaml:"security"`
}

type schema struct {
	Ref        string            `yaml:"$ref"`
	Type       any               `yaml:"type"`
	Properties map[string]schema `yaml:"properties"`
	Required   []string          `yaml:"required"`
	Items      *schema           `yaml:"items"`
	Enum       []any             `yaml:"enum"`
	Format     string            `yaml:"format"`
	Pattern    string            `yaml:"pattern"`
	MaxLength  int               `yaml:"maxLength"`
	Example    any               `yaml:"example"`
	Examples   []any             `yaml:"examples"`
}

func readDocument(t *testing.T) document {
	t.Helper()
	text, err := os.ReadFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := yaml.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d document) resolve(s schema) schema {
	for s.Ref != "" {
		s = d.Components.Schemas[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
	}
	return s
}

// nasty are values that no field of any type should choke on.
func nasty() []any {
	return []any{nil, true, -1, 1e308, 12345678901234567890.0, 0.5, "", " ", strings.Repeat("x", 5000), "\u0000", "ORG#x#CLIENT", "\u202e💩é", "' OR 1=1 --", "<script>",
		"../../etc/passwd", "2026-13-45", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z", "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", []any{}, []any{nil}, map[string]any{}, map[string]any{"amount": "x"}, [][]any{{1}}}
}

// badCalls gives calls of an operation that are wrong in one place each.
func badCalls(d document, method, path string, op operation) []journey.Call {
	fill := func(with string) string {
		return parameter.ReplaceAllStringFunc(path, func(string) string { return url.PathEscape(with) })
	}
	plain := fill("prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB")
	var all []journey.Call
	add := func(c journey.Call) {
		c.Method = strings.ToUpper(method)
		if c.IfMatch == "" {
			c.IfMatch = `"1"`
		}
		all = append(all, c)
	}
	if strings.Contains(path, "{") {
		for _, v := range []string{"x", "%", "..", "\x00", "prj_", "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDC!", "cli_01j8zq4m2v6tq0y7n3w5k9xdcb", strings.Repeat("a", 3000), "é", "ORG#x", "a b", "999999999999999999999"} {
			add(journey.Call{Path: fill(v)})
		}
	}
	for _, p := range op.Parameters {
		if p.In == "query" {
			for _, v := range []string{"", "x", "-1", "0", "999999999999", "\x00", "2026-02-30", strings.Repeat("a", 3000), "eyJhIjoxfQ", "a&b=c", "é"} {
				add(journey.Call{Path: plain + "?" + p.Name + "=" + url.QueryEscape(v)})
			}
		}
	}
	for _, v := range []string{"x", `"x"`, `W/"1"`, `"99999999999999999999"`, "*", `"1", "2"`} {
		add(journey.Call{Path: plain, IfMatch: v, Body: map[string]any{}})
	}
	body, ok := op.RequestBody.Content["application/json"]
	if !ok {
		add(journey.Call{Path: plain, Body: []byte("{}")})
		return all
	}
	for _, raw := range []string{"", "{", "null", "[]", `"x"`, "1", "\xff\xfe", `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, "{} {}", strings.Repeat(" ", 300<<10) + "{}"} {
		add(journey.Call{Path: plain, Body: []byte(raw)})
	}
	example, _ := body.Example.(map[string]any)
	for name := range d.resolve(body.Schema).Properties {
		for _, v := range nasty() {
			with := maps.Clone(example)
			if with == nil {
				with = map[string]any{}
			}
			with[name] = v
			add(journey.Call{Path: plain, Body: with})
		}
		without := maps.Clone(example)
		delete(without, name)
		add(journey.Call{Path: plain, Body: without})
	}
	unknown := maps.Clone(example)
	if unknown == nil {
		unknown = map[string]any{}
	}
	unknown["no_such_field"] = 1
	add(journey.Call{Path: plain, Body: unknown})
	add(journey.Call{Path: plain, Body: example, Key: strings.Repeat("k", 300)})
	add(journey.Call{Path: plain, Body: example, Headers: map[string]string{"Content-Type": "text/plain"}})
	return all
}

// TestBadInput sends every operation what it does not expect: no answer is a 5xx, each is documented with its status
// and code, and refusals are problems that do not repeat what was sent. The small size takes every seventh call.
func TestBadInput(t *testing.T) {
	d := readDocument(t)
	stride := size.Of(7, 1)
	n, sent := 0, 0
	var wg sync.WaitGroup
	free := make(chan *caller, 4) // people between two routes; nil for one who is still to come
	for range cap(free) {
		free <- nil
	}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			op := d.Paths[path][method]
			var bad []journey.Call
			for _, c := range badCalls(d, method, path, op) {
				if n++; n%stride == 0 {
					bad = append(bad, c)
				}
			}
			sent += len(bad)
			p := <-free
			wg.Go(func() {
				var next *caller
				defer func() { free <- next }()
				t.Run(op.ID, func(t *testing.T) { next = mistreat(t, p, op, bad) })
			})
		}
	}
	wg.Wait()
	t.Logf("%d of %d bad calls were sent", sent, n)
}

// mistreat makes bad calls of one route as somebody, and gives whom the next may be made by: nil when one went through or
// took the person's session.
func mistreat(t *testing.T, p *caller, op operation, bad []journey.Call) *caller {
	t.Helper()
	changed := false
	if p != nil {
		p.t = t
	}
	for _, c := range bad {
		if p == nil {
			p = signUp(t)
		}
		if len(op.Security) == 0 {
			c.Token = "none"
		}
		a := p.call(c)
		if err := documented(op, a); err != nil {
			body, _ := json.Marshal(c.Body) // for the report alone
			t.Errorf("%s: %s %.200s If-Match %s body %.200s: %v", op.ID, c.Method, c.Path, c.IfMatch, body, err)
		}
		changed = changed || c.Method != "GET" && a.Status < 300
		if a.Status == 401 && len(op.Security) > 0 || a.Status == 429 {
			p, changed = nil, false
		}
	}
	if changed {
		return nil
	}
	return p
}

// documented says what is wrong with an answer by the document.
func documented(op operation, a journey.Answer) error {
	var gateway struct {
		Message *string `json:"message"`
		Code    string  `json:"code"`
	}
	if json.Unmarshal(a.Body, &gateway) == nil && gateway.Message != nil && gateway.Code == "" && (a.Status == 404 || a.Status == 413) {
		return nil // the gateway's own
	}
	if a.Status >= 500 {
		return fmt.Errorf("a failure: %d %s", a.Status, a.Body)
	}
	response, ok := op.Responses[fmt.Sprint(a.Status)]
	if !ok {
		return fmt.Errorf("%d is not documented: %s", a.Status, a.Body)
	}
	if a.Status < 400 {
		return nil
	}
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") || gateway.Code == "" {
		return fmt.Errorf("no problem: %d %s", a.Status, a.Body)
	}
	if !strings.Contains(response.Description, "`"+gateway.Code+"`") {
		return fmt.Errorf("the code %s is not documented for %d", gateway.Code, a.Status)
	}
	return nil
}
