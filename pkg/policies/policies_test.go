package policies_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/policies"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/policy"
	"pixeltrack.io/platform/pkg/store"
)

type world struct {
	*apitest.World
	officer apitest.Caller
}

func newWorld(t *testing.T) *world {
	w := &world{World: apitest.New(t)}
	w.officer = w.Staff(access.PrivacyOfficer)
	return w
}

// version is the body of a version that takes effect so many days from now.
func (w *world) version(n int, material bool, days int, more map[string]any) map[string]any {
	text := fmt.Sprintf("# Policy %d\n\nWords.\n", n)
	b := map[string]any{"version": n, "text": text, "sha256": policy.Version{Text: []byte(text)}.SHA256(), "summary": "Other words.", "material": material,
		"effective_on": w.Clock.Now().AddDate(0, 0, days).Format(time.DateOnly)}
	for k, v := range more {
		b[k] = v
	}
	return b
}

func (w *world) publish(body map[string]any, key string) apitest.Answer {
	w.T.Helper()
	return w.Call(policies.CreatePolicy(w.Store), w.Later(w.officer, 0), apitest.Request{Body: body, Key: key})
}

// served is the version that get-policy serves, and its hash.
func (w *world) served() (int, string) {
	w.T.Helper()
	var b privacy.PolicyBody
	a := w.Call(privacy.GetPolicy(w.Store), apitest.Caller{}, apitest.Request{})
	w.Want(a, http.StatusOK, "")
	a.Into(w.T, &b)
	if got := (policy.Version{Text: []byte(b.Text)}).SHA256(); got != b.SHA256 {
		w.T.Errorf("the bytes that are served hash to %s; stated is %s", got, b.SHA256)
	}
	return b.Version, b.SHA256
}

func TestAVersionTakesEffectOnItsDay(t *testing.T) {
	w := newWorld(t)
	w.Want(w.publish(w.version(2, false, 2, nil), ""), http.StatusCreated, "")
	if v, _ := w.served(); v != 1 {
		t.Errorf("version %d is in effect at once; want 1", v)
	}
	var list api.List[privacy.PolicyBody]
	w.Call(privacy.ListPolicyVersions(w.Store), apitest.Caller{}, apitest.Request{}).Into(t, &list)
	if len(list.Data) != 2 || list.Data[0].Version != 2 || list.Data[0].Text != "" {
		t.Errorf("list = %+v; want version 2 first, without its text", list.Data)
	}
	w.Clock.Set(w.Clock.Now().AddDate(0, 0, 2).Truncate(24 * time.Hour))
	if v, hash := w.served(); v != 2 || hash != list.Data[0].SHA256 {
		t.Errorf("version %d is in effect on the day of 2", v)
	}
	for path, status := range map[string]int{"/v1/privacy/policy/versions/1": 200, "/v1/privacy/policy/versions/2": 200, "/v1/privacy/policy/versions/3": 404} {
		w.Want(w.Call(privacy.GetPolicyVersion(w.Store), apitest.Caller{}, apitest.Request{Path: path}), status, "")
	}
	// A later version of no other words stands beside both.
	w.Want(w.publish(w.version(3, false, 2, nil), ""), http.StatusCreated, "")
	if v, _ := w.served(); v != 2 {
		t.Errorf("version %d is in effect before the day of 3; want 2", v)
	}
}

func TestWhatIsNotPublished(t *testing.T) {
	w := newWorld(t)
	w.Want(w.publish(w.version(2, false, 40, nil), ""), http.StatusCreated, "")
	tests := []struct {
		name   string
		body   map[string]any
		status int
		code   string
	}{
		{"another text than was approved", w.version(3, false, 41, map[string]any{"text": "Other words."}), 422, "invalid_input"},
		{"a material change in 29 days", w.version(3, true, 29, nil), 422, "invalid_input"},
		{"any change today", w.version(3, false, 0, nil), 422, "invalid_input"},
		{"a change before the one before it", w.version(3, false, 39, nil), 422, "invalid_input"},
		{"no day", w.version(3, false, 41, map[string]any{"effective_on": "soon"}), 422, "invalid_input"},
		{"a text that is too long", w.version(3, false, 41, map[string]any{"text": strings.Repeat("a", 200001)}), 422, "invalid_input"},
		{"a version that is there", w.version(2, false, 41, nil), 409, "policy_version_taken"},
		{"a version that leaves one out", w.version(4, false, 41, nil), 409, "policy_version_taken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.Want(w.publish(tt.body, ""), tt.status, tt.code) })
	}
}

func TestWhoPublishes(t *testing.T) {
	w := newWorld(t)
	for _, role := range []access.StaffRole{access.SupportAgent, access.LegalCounsel, access.SecurityLead} {
		w.Want(w.Call(policies.CreatePolicy(w.Store), w.Staff(role), apitest.Request{Body: w.version(2, false, 2, nil)}), 403, "permission_denied")
	}
	w.Want(w.Call(policies.CreatePolicy(w.Store), w.Organization(), apitest.Request{Body: w.version(2, false, 2, nil)}), 403, "staff_required")
	old := w.Later(w.officer, 16*time.Minute)
	old.Proved = w.Clock.Now().Add(-16 * time.Minute)
	old.Token = w.Token(old)
	w.Want(w.Call(policies.CreatePolicy(w.Store), old, apitest.Request{Body: w.version(2, false, 2, nil)}), 401, "reauthentication_required")
}

func TestTwoPublishAtOnce(t *testing.T) {
	w := newWorld(t)
	answers := make([]apitest.Answer, 4)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = w.publish(w.version(2, true, 40, nil), "") })
	}
	all.Wait()
	made := 0
	for _, a := range answers {
		switch a.Status {
		case http.StatusCreated:
			made++
		case http.StatusConflict:
		default:
			t.Errorf("answer = %d %s", a.Status, a.Body)
		}
	}
	if made != 1 {
		t.Errorf("%d versions were made; want 1", made)
	}
}

func TestARepeatUnderOneKey(t *testing.T) {
	w := newWorld(t)
	body := w.version(2, true, 31, nil)
	first, second := w.publish(body, "key"), w.publish(body, "key")
	w.Want(first, http.StatusCreated, "")
	w.Want(second, http.StatusCreated, "")
	if second.Header.Get("Idempotency-Replayed") != "true" || string(first.Body) != string(second.Body) {
		t.Errorf("the repeat = %s; want %s", second.Body, first.Body)
	}
	p := w.Store.BindPlatform(store.Actor{Who: "test"})
	announced, _, err := store.List[notices.Announcement](t.Context(), p, store.Query{Partition: p.Scope().Partition(notices.FamilyAnnouncement), Limit: 10})
	if err != nil || len(announced) != 1 {
		t.Errorf("%d announcements, %v; want 1", len(announced), err)
	}
}
