package privacy_test

import (
	"net/http"
	"sync"
	"testing"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/purpose"
)

// objections lists those of a person by purpose.
func (w world) objections(c apitest.Caller) map[string]privacy.ObjectionBody {
	var list api.List[privacy.ObjectionBody]
	w.Call(privacy.ListObjections(), c, apitest.Request{}).Into(w.T, &list)
	all := map[string]privacy.ObjectionBody{}
	for _, o := range list.Data {
		all[o.Purpose] = o
	}
	return all
}

func TestAnObjectionStopsAPurposeUntilConsent(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.Organization(), w.Organization()
	w.Want(w.Call(privacy.CreateConsent(w.Store), ada, apitest.Request{Body: give("given", purpose.Analytics)}), http.StatusCreated, "")
	ask := apitest.Request{Body: map[string]any{"purpose": purpose.Analytics}, Key: "one"}
	a := w.Call(privacy.CreateObjection(w.Store), ada, ask)
	w.Want(a, http.StatusCreated, "")
	var o privacy.ObjectionBody
	if a.Into(t, &o); !o.Objected || o.At == nil || o.Request == "" || o.Interest != "" {
		t.Errorf("the objection = %+v; want one that is final, with its request", o)
	}
	var r privacy.RequestBody
	w.Call(privacy.GetRequest(), ada, apitest.Request{Path: "/v1/dsr/" + o.Request}).Into(t, &r)
	if r.Type != "objection" || r.Purpose != purpose.Analytics || r.State != "fulfilled" {
		t.Errorf("the request = %+v; want an objection to analytics that is answered", r)
	}
	if again := w.Call(privacy.CreateObjection(w.Store), ada, ask); string(again.Body) != string(a.Body) || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the repeat = %s; want %s", again.Body, a.Body)
	}
	w.Want(w.Call(privacy.CreateObjection(w.Store), ada, apitest.Request{Body: ask.Body}), http.StatusConflict, "objection_stands")
	if all := w.objections(ada); !all[purpose.Analytics].Objected || all[purpose.MarketingEmail].Objected || all[purpose.Operations].Interest == "" {
		t.Errorf("objections = %+v; want one to analytics alone", all)
	}
	if w.objections(bob)[purpose.Analytics].Objected {
		t.Error("somebody else's objection is shown")
	}
	w.Want(w.Call(privacy.CreateConsent(w.Store), ada, apitest.Request{Body: give("given", purpose.Analytics)}), http.StatusCreated, "")
	if w.objections(ada)[purpose.Analytics].Objected {
		t.Error("the objection stands after a consent")
	}
}

func TestAnObjectionToAnInterestIsWeighedAndStopsItMeanwhile(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	a := w.Call(privacy.CreateObjection(w.Store), ada, apitest.Request{Body: map[string]any{"purpose": purpose.FraudPrevention, "description": "It is a mistake."}})
	w.Want(a, http.StatusCreated, "")
	var o privacy.ObjectionBody
	a.Into(t, &o)
	var r privacy.RequestBody
	w.Call(privacy.GetRequest(), ada, apitest.Request{Path: "/v1/dsr/" + o.Request}).Into(t, &r)
	if r.State == "fulfilled" || !w.objections(ada)[purpose.FraudPrevention].Objected {
		t.Errorf("the request is %s, the objection %+v; want it weighed, and to count", r.State, w.objections(ada)[purpose.FraudPrevention])
	}
}

func TestAnObjectionIsRefused(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	for name, body := range map[string]map[string]any{
		"an unknown purpose": {"purpose": "gossip"}, "one that nobody can object to": {"purpose": purpose.FinancialRecords}, "no purpose": {},
		"too many words": {"purpose": purpose.Analytics, "description": string(make([]byte, 4001))},
	} {
		if a := w.Call(privacy.CreateObjection(w.Store), ada, apitest.Request{Body: body}); a.Status < 400 || a.Status > 422 {
			t.Errorf("%s = %d: %s; want a refusal", name, a.Status, a.Body)
		}
	}
}

func TestObjectionsAtOnceAreOne(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	var all sync.WaitGroup
	var answers [8]int
	for n := range answers {
		all.Go(func() {
			answers[n] = w.Call(privacy.CreateObjection(w.Store), ada, apitest.Request{Body: map[string]any{"purpose": purpose.Sharing}}).Status
		})
	}
	all.Wait()
	made := 0
	for _, status := range answers {
		if status == http.StatusCreated {
			made++
		} else if status != http.StatusConflict {
			t.Errorf("one of many at once = %d; want 201 or 409", status)
		}
	}
	if made != 1 {
		t.Errorf("%d of many at once were taken; want one", made)
	}
}
