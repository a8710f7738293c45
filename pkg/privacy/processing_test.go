package privacy_test

import (
	"slices"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/purpose"
)

// TestTheRecordOfProcessingIsWhole finds every kind of record with personal data in it once, under its purpose, and every
// purpose with a basis.
func TestTheRecordOfProcessingIsWhole(t *testing.T) {
	w := newWorld(t)
	a := w.Call(privacy.GetProcessingRecord(), w.Staff(access.PrivacyOfficer), apitest.Request{})
	w.Want(a, 200, "")
	var b privacy.ProcessingBody
	a.Into(t, &b)
	seen := map[string]string{}
	for _, act := range slices.Concat(b.Controller, b.Processor) {
		if p, ok := purpose.Of(act.Purpose); !ok || act.Basis != string(p.Basis) || act.Basis == "" {
			t.Errorf("%s: basis %q", act.Purpose, act.Basis)
		}
		for _, r := range act.Records {
			if seen[r.Type] != "" {
				t.Errorf("%s is under %s and %s", r.Type, seen[r.Type], act.Purpose)
			}
			seen[r.Type] = act.Purpose
			if r.Retention == "" || len(r.Fields) == 0 {
				t.Errorf("%s: kept %q, fields %v", r.Type, r.Retention, r.Fields)
			}
		}
	}
	for _, r := range datamap.Current().Rows {
		personal := slices.ContainsFunc(r.Fields, func(f datamap.Field) bool { return f.Personal })
		if personal && seen[r.Type] != r.Purpose {
			t.Errorf("%s is under %q; want %s", r.Type, seen[r.Type], r.Purpose)
		}
	}
	processed := func(list []privacy.Activity, record string) bool {
		return slices.ContainsFunc(list, func(a privacy.Activity) bool {
			return slices.ContainsFunc(a.Records, func(r privacy.ActivityRecord) bool { return r.Type == record })
		})
	}
	if !processed(b.Processor, "CLIENT") || !processed(b.Controller, "CREDENTIAL") {
		t.Error("want clients among what is done for organizations, and credentials among what PixelTrack decides about")
	}
	var again privacy.ProcessingBody
	w.Call(privacy.GetProcessingRecord(), w.Staff(access.LegalCounsel), apitest.Request{}).Into(t, &again)
	if b.Version == "" || again.Version != b.Version {
		t.Errorf("versions %q and %q of one record", b.Version, again.Version)
	}
	w.Want(w.Call(privacy.GetProcessingRecord(), w.Staff(access.SupportAgent), apitest.Request{}), 403, "permission_denied")
}
