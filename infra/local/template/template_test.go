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
	if c.Table.TTL != "expires_at" || c.BusName == "" || len(c.Buckets) < 3 || len(c.Keys) != 4 {
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
	buckets := map[string]template.Bucket{}
	for _, b := range c.Buckets {
		buckets[b.Logical] = b
	}
	if b := buckets["FilesBucket"]; !b.Versioned || b.KMSKey == "" || b.Policy == nil || len(b.Rules) != 2 || b.Rules[0].NoncurrentDays != 1 || !b.Rules[0].ExpiredMarkers {
		t.Errorf("FilesBucket = %+v; want versions that age", b)
	}
	if b := buckets["IncomingBucket"]; b.Versioned || len(b.CORS) != 1 || b.CORS[0].Origins[0] != "http://localhost:3000" || b.CORS[0].Methods[0] != "PUT" || b.Rules[0].Days != 1 {
		t.Errorf("IncomingBucket = %+v; want uploads from the web app, for a day", b)
	}
	if b := buckets["HeadsBucket"]; !b.Versioned || !b.Locked || b.LockMode != "COMPLIANCE" || b.LockDays < 7*365 {
		t.Errorf("HeadsBucket = %+v; want versions that nobody can delete for seven years", b)
	}
	for _, api := range c.APIs {
		if api.Authorizer != "AuthorizeEdge" || api.Identity != "x-edge-secret" || len(api.Routes) == 0 {
			t.Errorf("API %s = %+v; want the edge's authorizer and routes", api.Area, api)
		}
	}
}
