package template_test

import (
	"testing"

	"pixeltrack.io/platform/infra/local/template"
)

// Parameters are those of the local stack.
func parameters() map[string]string {
	return map[string]string{"Stage": "local", "PublicUrl": "http://127.0.0.1:8080", "AllowedOrigins": "http://localhost:3000"}
}

func TestReadTheRealTemplates(t *testing.T) {
	c, err := template.Read("../../..", parameters())
	if err != nil {
		t.Fatal(err)
	}
	if c.Table.KMSKey != c.Buckets[0].KMSKey || c.Table.KMSKey == "" {
		t.Errorf("the table's key is %q; want that of the buckets, %q", c.Table.KMSKey, c.Buckets[0].KMSKey)
	}
	if c.Table.TTL != "expires_at" || c.BusName == "" || len(c.Buckets) < 3 || len(c.Keys) != 3 {
		t.Errorf("Read = table %+v, bus %q, %d buckets, %d keys", c.Table, c.BusName, len(c.Buckets), len(c.Keys))
	}
	f := c.Function("Meta/GetHealth")
	if f == nil {
		t.Fatal("Meta/GetHealth is not there")
	}
	if f.Dir != "functions/meta/get-health" || f.Area != "meta" || len(f.Routes) != 1 || f.Environment["STAGE"] != "local" {
		t.Errorf("GetHealth = %+v", f)
	}
	if a := c.Function("AuthorizeEdge"); a == nil || len(a.Policy.Statements) != 1 {
		t.Errorf("AuthorizeEdge = %+v", a)
	}
	for _, api := range c.APIs {
		if api.Authorizer != "AuthorizeEdge" || api.Identity != "x-edge-secret" || len(api.Routes) == 0 {
			t.Errorf("API %s = %+v; want the edge's authorizer and routes", api.Area, api)
		}
	}
}
