// Package meta serves what tells about the API itself.
package meta

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"pixeltrack.io/platform/infra"
	"pixeltrack.io/platform/pkg/api"
)

// Routes lists the area's routes.
func Routes() []api.Operation {
	return []api.Operation{GetHealth(), GetOpenapi(), GetDocs()}
}

// Health is the body of get-health.
type Health struct {
	Status string `json:"status" enum:"ok" doc:"Always ok; no answer means that something is wrong."`
}

// HealthOut is the answer of get-health.
type HealthOut struct{ Body Health }

// GetHealth answers that the API answers. It touches no data.
func GetHealth() api.Operation {
	return api.New(api.Route{
		ID: "get-health", Area: "meta", Method: http.MethodGet, Path: "/v1/health", Audience: api.Public, PureRead: true,
		Summary: "Say that the API answers", Purpose: "service_delivery", ExampleOut: Health{Status: "ok"},
	}, func(context.Context, *api.Caller, *struct{}) (*HealthOut, error) {
		return &HealthOut{Health{Status: "ok"}}, nil
	})
}

// Raw is an answer that is not a typed object.
type Raw struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// GetOpenapi serves the OpenAPI 3.1 document as JSON.
func GetOpenapi() api.Operation {
	return api.New(api.Route{
		ID: "get-openapi", Area: "meta", Method: http.MethodGet, Path: "/v1/openapi.json", Audience: api.Public, PureRead: true,
		Summary: "The OpenAPI 3.1 document of this API", Purpose: "service_delivery",
		Produces: "application/json", ExampleOut: map[string]any{"openapi": "3.1.0"},
	}, func(context.Context, *api.Caller, *struct{}) (*Raw, error) {
		document, err := parse()
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(document)
		if err != nil {
			return nil, fmt.Errorf("openapi: %w", err)
		}
		return &Raw{ContentType: "application/json", Body: text}, nil
	})
}

// GetDocs serves a page that lists the operations and the codes of their refusals.
func GetDocs() api.Operation {
	return api.New(api.Route{
		ID: "get-docs", Area: "meta", Method: http.MethodGet, Path: "/v1/docs", Audience: api.Public, PureRead: true,
		Summary: "The documentation of this API as a page", Purpose: "service_delivery",
		Produces: "text/html", ExampleOut: "<!doctype html>",
	}, func(context.Context, *api.Caller, *struct{}) (*Raw, error) {
		document, err := parse()
		if err != nil {
			return nil, err
		}
		return &Raw{ContentType: "text/html; charset=utf-8", Body: page(document)}, nil
	})
}

func parse() (map[string]any, error) {
	var document map[string]any
	if err := yaml.Unmarshal(infra.OpenAPI, &document); err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	return document, nil
}

// page writes one section for each operation, in the order of their paths.
func page(document map[string]any) []byte {
	var b strings.Builder
	b.WriteString("<!doctype html><html lang=en><meta charset=utf-8><title>PixelTrack API</title>" +
		"<style>body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}code{background:#eee}</style><h1>PixelTrack API</h1>" +
		"<p>The whole document: <a href=/v1/openapi.json>/v1/openapi.json</a></p>")
	paths, _ := document["paths"].(map[string]any)
	for _, path := range sorted(paths) {
		methods, _ := paths[path].(map[string]any)
		for _, method := range sorted(methods) {
			operation, _ := methods[method].(map[string]any)
			fmt.Fprintf(&b, "<h2><code>%s %s</code></h2><p>%s</p><p>%s</p>", strings.ToUpper(method), html.EscapeString(path),
				html.EscapeString(fmt.Sprint(operation["summary"])), html.EscapeString(text(operation["description"])))
			fmt.Fprintf(&b, "<p>Needs: <code>%s</code></p><ul>", html.EscapeString(text(operation["x-permission"])))
			responses, _ := operation["responses"].(map[string]any)
			for _, status := range sorted(responses) {
				response, _ := responses[status].(map[string]any)
				fmt.Fprintf(&b, "<li><code>%s</code> %s</li>", html.EscapeString(status), html.EscapeString(text(response["description"])))
			}
			b.WriteString("</ul>")
		}
	}
	return []byte(b.String())
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func sorted(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
