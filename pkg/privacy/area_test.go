package privacy_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/registry"
)

func TestRowsAreRegistered(t *testing.T) {
	for _, f := range registry.Check(privacy.Rows()) {
		t.Error(f)
	}
}

func TestRoutesMakeADocument(t *testing.T) {
	if _, err := api.Document(privacy.Routes()); err != nil {
		t.Fatal(err)
	}
	for _, op := range privacy.Routes() {
		if op.Audience != api.Public && !op.Rights {
			t.Errorf("%s: a right must not be refused to suspended, unpaid or restricted callers", op.ID)
		}
	}
}

// The Global Privacy Control specification wants a JSON object with a boolean gpc and an RFC 3339 lastUpdate.
func TestGPCIsAnnounced(t *testing.T) {
	w := newWorld(t)
	a := w.Call(privacy.GetGpc(), apitest.Caller{}, apitest.Request{})
	w.Want(a, http.StatusOK, "")
	var body struct {
		GPC        bool   `json:"gpc"`
		LastUpdate string `json:"lastUpdate"`
	}
	a.Into(t, &body)
	if _, err := time.Parse(time.RFC3339, body.LastUpdate); err != nil || !body.GPC || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		t.Errorf("gpc.json = %s of %s; want gpc true since a time", a.Body, a.Header.Get("Content-Type"))
	}
}
