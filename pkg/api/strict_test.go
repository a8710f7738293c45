package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
)

type strictIn struct {
	api.Page
	api.Since
	Status string `query:"status" enum:"on,off"`
	Body   struct {
		Name  string               `json:"name,omitempty"`
		Note  api.Optional[string] `json:"note,omitempty"`
		Lines []struct {
			Text string `json:"text,omitempty"`
		} `json:"lines,omitempty"`
		Labels map[string]string `json:"labels,omitempty"`
	}
}

// Null and an empty parameter are not the same as nothing: who sent them is told, unless the document allows them.
func TestWhatTheDocumentDoesNotAllowIsNotTakenForAbsent(t *testing.T) {
	w := apitest.New(t)
	op := api.New(api.Route{ID: "be-strict", Area: "test", Method: http.MethodPost, Path: "/v1/strict", Permission: access.ClientsWrite, Status: http.StatusNoContent},
		func(context.Context, *api.Caller, *strictIn) (*struct{}, error) { return nil, nil })
	caller := w.Organization()
	tests := []struct {
		name, query, body, where string
	}{
		{"everything", "limit=5&cursor=&status=on&updated_since=2026-03-01T08:00:00Z", `{"name":"null","note":"x","lines":[{"text":"null"}],"labels":{"a":"b"}}`, ""},
		{"null to clear a field that can be cleared", "", `{"note":null}`, ""},
		{"null for a text", "", `{"name":null}`, "body.name"},
		{"null for a list", "", `{"lines":null}`, "body.lines"},
		{"null in a list", "", `{"lines":[{"text":"a"},null]}`, "body.lines[1]"},
		{"null in an object of a list", "", `{"lines":[{"text":null}]}`, "body.lines[0].text"},
		{"null in a map", "", `{"labels":{"a":null}}`, "body.labels.a"},
		{"null for all", "", `null`, "body"},
		{"an empty time", "updated_since=", `{}`, "query.updated_since"},
		{"an empty choice", "status=", `{}`, "query.status"},
		{"an empty number", "limit=", `{}`, "query.limit"},
	}
	for _, tt := range tests {
		a := w.Call(op, caller, apitest.Request{Path: "/v1/strict?" + tt.query, Body: tt.body})
		if tt.where == "" {
			w.Want(a, http.StatusNoContent, "")
			continue
		}
		w.Want(a, http.StatusUnprocessableEntity, "invalid_input")
		if !strings.Contains(string(a.Body), `"`+tt.where+`"`) {
			t.Errorf("%s: the answer = %s; want the location %s", tt.name, a.Body, tt.where)
		}
	}
}

func TestANumberThatDoesNotFitIsToldInTheWordsOfTheDocument(t *testing.T) {
	w := apitest.New(t)
	type in struct {
		Body struct {
			Size int64 `json:"size"`
		}
	}
	op := api.New(api.Route{ID: "be-whole", Area: "test", Method: http.MethodPost, Path: "/v1/whole", Permission: access.ClientsWrite, Status: http.StatusNoContent},
		func(context.Context, *api.Caller, *in) (*struct{}, error) { return nil, nil })
	a := w.Call(op, w.Organization(), apitest.Request{Body: `{"size":1.0}`})
	w.Want(a, http.StatusUnprocessableEntity, "invalid_input")
	if body := string(a.Body); strings.Contains(body, "Go") || strings.Contains(body, "int64") || !strings.Contains(body, "size") {
		t.Errorf("the answer = %s; want the field, and no Go", body)
	}
}
