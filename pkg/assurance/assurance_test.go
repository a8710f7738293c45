package assurance_test

import (
	"slices"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/assurance"
	"pixeltrack.io/platform/pkg/privacy/subprocessor"
	"pixeltrack.io/platform/pkg/store"
)

func state(t *testing.T, w *apitest.World, provider, standard string) string {
	t.Helper()
	a := w.Call(assurance.ListAssurance(), w.Staff(access.LegalCounsel), apitest.Request{})
	w.Want(a, 200, "")
	var all assurance.ListBody
	a.Into(t, &all)
	n := slices.IndexFunc(all.Data, func(b assurance.Body) bool { return b.Provider == provider && b.Standard == standard })
	if n < 0 {
		t.Fatalf("%s %s is not in the register", provider, standard)
	}
	return all.Data[n].State
}

func report(w *apitest.World, more map[string]any) map[string]any {
	r := map[string]any{"provider": "resend", "standard": "SOC 2 Type II", "document": "reports/resend.pdf", "issued_at": w.Clock.Now().Add(-time.Hour), "expires_at": w.Clock.Now().AddDate(1, 0, 0)}
	for k, v := range more {
		r[k] = v
	}
	return r
}

func TestTheLifeOfAReport(t *testing.T) {
	w := apitest.New(t)
	for _, p := range subprocessor.All() {
		for _, a := range p.Assurance {
			if got := state(t, w, p.ID, a.Standard); got != "missing" {
				t.Errorf("%s %s is %s before anybody saw a report; want missing", p.ID, a.Standard, got)
			}
		}
	}
	lead := w.Staff(access.SecurityLead)
	record := func() {
		t.Helper()
		w.Want(w.Call(assurance.RecordAssurance(w.Store), w.Later(lead, 0), apitest.Request{Body: report(w, nil)}), 201, "")
	}
	record()
	first := w.Clock.Now()
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, "valid"}, {336 * 24 * time.Hour, "expiring"}, {366 * 24 * time.Hour, "expired"}} {
		w.Clock.Set(first.Add(step.after))
		if got := state(t, w, "resend", "SOC 2 Type II"); got != step.want {
			t.Errorf("after %v the report is %s; want %s", step.after, got, step.want)
		}
	}
	lead = w.Staff(access.SecurityLead)
	record()
	if got := state(t, w, "resend", "SOC 2 Type II"); got != "valid" {
		t.Errorf("after a new report it is %s; want valid", got)
	}
	p := w.Store.BindPlatform(store.Actor{Who: "test"})
	rows, _, err := store.List[deadline.Deadline](t.Context(), p, store.Query{Partition: p.Scope().Partition(deadline.Family), Limit: 10})
	if err != nil || len(rows) != 1 || rows[0].Alarm != w.Clock.Now().AddDate(1, 0, 0).Add(-assurance.Warning).Unix() {
		t.Errorf("alarms = %+v, %v; want one, 30 days before the new report expires", rows, err)
	}
}

func TestReportsThatAreRefused(t *testing.T) {
	w := apitest.New(t)
	now := w.Clock.Now()
	lead := w.Staff(access.SecurityLead)
	for name, more := range map[string]map[string]any{
		"of nobody we work with":     {"provider": "acme"},
		"by a standard of another's": {"standard": "PCI DSS Level 1"},
		"of tomorrow":                {"issued_at": now.Add(24 * time.Hour)},
		"that has expired":           {"expires_at": now.Add(-time.Hour)},
		"that is nowhere":            {"document": ""},
	} {
		t.Run(name, func(t *testing.T) {
			w.Want(w.Call(assurance.RecordAssurance(w.Store), lead, apitest.Request{Body: report(w, more)}), 422, "invalid_input")
		})
	}
	w.Want(w.Call(assurance.RecordAssurance(w.Store), w.Staff(access.LegalCounsel), apitest.Request{Body: report(w, nil)}), 403, "permission_denied")
	w.Want(w.Call(assurance.ListAssurance(), w.Staff(access.SupportAgent), apitest.Request{}), 403, "permission_denied")
	w.Want(w.Call(assurance.ListAssurance(), w.Organization(), apitest.Request{}), 403, "staff_required")
}

func TestARepeatUnderOneKey(t *testing.T) {
	w := apitest.New(t)
	r := apitest.Request{Body: report(w, nil), Key: "once"}
	lead := w.Staff(access.SecurityLead)
	w.Want(w.Call(assurance.RecordAssurance(w.Store), lead, r), 201, "")
	again := w.Call(assurance.RecordAssurance(w.Store), lead, r)
	if again.Status != 201 || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the repeat = %d, replayed %q; want what the first call answered, marked", again.Status, again.Header.Get("Idempotency-Replayed"))
	}
}
