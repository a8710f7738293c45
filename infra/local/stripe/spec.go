package stripe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/param"
	"github.com/stripe/stripe-mock/param/coercer"
	"github.com/stripe/stripe-mock/spec"
)

// description is what Stripe says of its API: for each call the parameters that it takes. Its index is read when the
// first call comes, each call's schema when that call first comes; together that is less than a tenth of a second, where
// the whole document takes six.
type description struct {
	paths map[string]map[string]json.RawMessage

	mu      sync.Mutex
	schemas map[string]*spec.Schema // by method and template
}

// described is the one description, read when it is first asked for.
var described = sync.OnceValue(describe)

func describe() *description {
	var all struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(embedded.OpenAPISpec, &all); err != nil {
		panic(err) // the module is wrong, which its own tests would have shown
	}
	return &description{paths: all.Paths, schemas: map[string]*spec.Schema{}}
}

// knows says whether Stripe has such a call.
func (d *description) knows(method, path string) bool {
	for template, methods := range d.paths {
		if _, ok := fits(template, path); ok && methods[strings.ToLower(method)] != nil {
			return true
		}
	}
	return false
}

// schema gives the parameters of a call.
func (d *description) schema(r *route) *spec.Schema {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := r.method + " " + r.template
	if s := d.schemas[name]; s != nil {
		return s
	}
	s := deauthorization()
	if r.template != "/oauth/deauthorize" {
		s = d.read(r)
	}
	if r.template == "/v1/checkout/sessions" && r.method == http.MethodPost {
		// The description is of a later version, which calls hosted what is called so here.
		s.Properties["ui_mode"] = &spec.Schema{Type: spec.TypeString, Enum: []any{"hosted", "embedded"}}
	}
	d.schemas[name] = s
	return s
}

func (d *description) read(r *route) *spec.Schema {
	var operation struct {
		Parameters  []*spec.Parameter
		RequestBody *spec.RequestBody
	}
	if err := json.Unmarshal(d.paths[r.template][strings.ToLower(r.method)], &operation); err != nil {
		panic(fmt.Sprintf("stripe: %s %s: %v", r.method, r.template, err)) // as above
	}
	if r.method != http.MethodGet && operation.RequestBody != nil {
		for _, media := range operation.RequestBody.Content {
			return media.Schema
		}
	}
	return spec.BuildQuerySchema(&spec.Operation{Parameters: operation.Parameters})
}

// deauthorization is the one call outside the description.
func deauthorization() *spec.Schema {
	text := &spec.Schema{Type: spec.TypeString}
	return &spec.Schema{Type: spec.TypeObject, Properties: map[string]*spec.Schema{"client_id": text, "stripe_user_id": text}, Required: []string{"client_id", "stripe_user_id"}}
}

// check reads the parameters of a request and holds them against the description.
func (d *description) check(route *route, r *http.Request) (map[string]any, *refusal) {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); r.Method == http.MethodPost && kind != "" && kind != "application/x-www-form-urlencoded" {
		return nil, invalid("", "", "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any questions, we can help at https://support.stripe.com/.")
	}
	params, err := param.ParseParams(r)
	if err != nil {
		return nil, invalid("", "", "Invalid request: %v", err)
	}
	if params == nil {
		params = map[string]any{}
	}
	schema := d.schema(route)
	if err := coercer.CoerceParams(schema, params); err != nil {
		return nil, invalid("", "", "Invalid request: %v", err)
	}
	if refused := verify(schema, params, ""); refused != nil {
		return nil, refused
	}
	return params, checkMetadata(params, "")
}

// verify holds a value against its schema. At is its name as Stripe writes it, line_items[0][quantity].
func verify(s *spec.Schema, v any, at string) *refusal {
	if len(s.AnyOf) > 0 {
		return verifyAny(s, v, at)
	}
	switch s.Type {
	case spec.TypeObject:
		m, ok := v.(map[string]any)
		if !ok {
			return invalid("", at, "Invalid object")
		}
		return verifyObject(s, m, at)
	case spec.TypeArray:
		list, ok := v.([]any)
		if !ok && v != "" { // so is one written that is empty
			return invalid("", at, "Invalid array")
		}
		for i, item := range list {
			if s.Items == nil {
				break
			}
			if refused := verify(s.Items, item, fmt.Sprintf("%s[%d]", at, i)); refused != nil {
				return refused
			}
		}
	case spec.TypeInteger:
		if _, ok := v.(int); !ok {
			return invalid("parameter_invalid_integer", at, "Invalid integer: %v", v)
		}
	case spec.TypeBoolean:
		if _, ok := v.(bool); !ok {
			return invalid("", at, "Invalid boolean: %v", v)
		}
	case spec.TypeString:
		text, ok := v.(string)
		switch {
		case !ok:
			return invalid("", at, "Invalid string: %v", v)
		case len(s.Enum) > 0 && !slices.Contains(s.Enum, any(text)):
			return invalid("", at, "Invalid %s: must be %s", at, oneOf(s.Enum))
		case s.MaxLength > 0 && len([]rune(text)) > s.MaxLength:
			return invalid("", at, "Invalid string: %s...; must be at most %d characters", string([]rune(text)[:10]), s.MaxLength)
		}
	}
	return nil
}

// verifyAny takes what one of several schemas takes; otherwise it says what the schema of the value's own kind says.
func verifyAny(s *spec.Schema, v any, at string) *refusal {
	_, isObject := v.(map[string]any)
	var said *refusal
	for _, one := range s.AnyOf {
		refused := verify(one, v, at)
		if refused == nil {
			return nil
		}
		if said == nil || isObject == (one.Type == spec.TypeObject) {
			said = refused
		}
	}
	return said
}

func verifyObject(s *spec.Schema, m map[string]any, at string) *refusal {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		inner := name
		if at != "" {
			inner = at + "[" + name + "]"
		}
		one := s.Properties[name]
		if one == nil {
			one = s.AdditionalProperties
		}
		if one == nil {
			return invalid("parameter_unknown", inner, "Received unknown parameter: %s", inner)
		}
		if refused := verify(one, m[name], inner); refused != nil {
			return refused
		}
	}
	for _, name := range s.Required {
		if _, ok := m[name]; ok {
			continue
		}
		if at != "" {
			name = at + "[" + name + "]"
		}
		return absent(name)
	}
	return nil
}

// absent refuses a call without a parameter that it needs.
func absent(name string) *refusal {
	return invalid("parameter_missing", name, "Missing required param: %s.", name)
}

func oneOf(values []any) string {
	var all []string
	for _, v := range values {
		all = append(all, fmt.Sprint(v))
	}
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return "one of " + strings.Join(all[:len(all)-1], ", ") + ", or " + all[len(all)-1]
}

// Bounds of metadata, which the description does not state.
const (
	maxMetadata      = 50
	maxMetadataName  = 40
	maxMetadataValue = 500
)

// checkMetadata holds every metadata among parameters to its bounds.
func checkMetadata(params map[string]any, at string) *refusal {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		inner, ok := params[name].(map[string]any)
		if !ok {
			continue
		}
		where := name
		if at != "" {
			where = at + "[" + name + "]"
		}
		if name != "metadata" {
			if refused := checkMetadata(inner, where); refused != nil {
				return refused
			}
			continue
		}
		if len(inner) > maxMetadata {
			return invalid("", where, "Metadata can have up to %d keys, but you passed in %d.", maxMetadata, len(inner))
		}
		for key, value := range inner {
			if n := len([]rune(key)); n > maxMetadataName {
				return invalid("", where, "Metadata keys can have up to %d characters, but you passed in a key that is %d characters.", maxMetadataName, n)
			}
			if n := len([]rune(fmt.Sprint(value))); n > maxMetadataValue {
				return invalid("", where+"["+key+"]", "Metadata values can have up to %d characters, but you passed in a value that is %d characters.", maxMetadataValue, n)
			}
		}
	}
	return nil
}

// fingerprint is equal for bodies that say the same.
func fingerprint(body []byte) string {
	if values, err := url.ParseQuery(string(body)); err == nil {
		body = []byte(values.Encode())
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
