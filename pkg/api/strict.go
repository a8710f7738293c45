package api

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"pixeltrack.io/platform/pkg/problem"
)

// strict is what the document says of an operation's input and huma lets pass: it takes null for a field that is not
// there, and an empty query parameter for none. A caller who sent null to clear a field must not be told that all went
// well.
type strict struct {
	empty  map[string]bool // query parameters that have no empty value
	body   *huma.Schema    // nil for an operation without a body of JSON
	lookup huma.Registry
}

// strictly reads an operation out of the document that was made of it.
func strictly(o *huma.OpenAPI) strict {
	s := strict{empty: map[string]bool{}, lookup: o.Components.Schemas}
	for _, item := range o.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				if p.In == "query" && p.Schema != nil && (p.Schema.Type != huma.TypeString || p.Schema.Format != "" || p.Schema.Enum != nil || p.Schema.Pattern != "") {
					s.empty[p.Name] = true
				}
			}
			if op.RequestBody != nil && op.RequestBody.Content["application/json"] != nil {
				s.body = op.RequestBody.Content["application/json"].Schema
			}
		}
	}
	return s
}

// check refuses what huma would take for absent.
func (s strict) check(query url.Values, body []byte) error {
	var wrong []problem.Field
	for name, values := range query {
		if s.empty[name] && slices.Contains(values, "") {
			wrong = append(wrong, problem.Field{Location: "query." + name, Message: "empty; leave it out"})
		}
	}
	if s.body != nil && bytes.Contains(body, []byte("null")) {
		var v any
		if json.Unmarshal(body, &v) == nil {
			wrong = s.nulls(wrong, "body", s.body, v)
		}
	}
	if wrong == nil {
		return nil
	}
	slices.SortFunc(wrong, func(a, b problem.Field) int { return strings.Compare(a.Location, b.Location) })
	e := problem.Of(problem.Invalid, "invalid_input", "The request has invalid fields.")
	e.Fields = wrong
	return e
}

// nulls adds where a value is null that the schema says is not.
func (s strict) nulls(wrong []problem.Field, at string, schema *huma.Schema, v any) []problem.Field {
	for schema != nil && schema.Ref != "" {
		schema = s.lookup.SchemaFromRef(schema.Ref)
	}
	if schema == nil {
		return wrong
	}
	switch v := v.(type) {
	case nil:
		if !schema.Nullable && schema.Type != "" {
			return append(wrong, problem.Field{Location: at, Message: "null; leave it out"})
		}
	case map[string]any:
		for name, value := range v {
			field := schema.Properties[name]
			if more, ok := schema.AdditionalProperties.(*huma.Schema); field == nil && ok {
				field = more
			}
			wrong = s.nulls(wrong, at+"."+name, field, value)
		}
	case []any:
		for n, value := range v {
			wrong = s.nulls(wrong, at+"["+strconv.Itoa(n)+"]", schema.Items, value)
		}
	}
	return wrong
}
