package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/bus"
	"pixeltrack.io/platform/infra/local/template"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// TestARestoredTable is the drill of a recovery: a table from a month ago, in which people live who were erased since, takes
// over. It answers nothing until everything that was erased and purged since is gone from it again, what is held by law is
// held, and TTL, stream and recovery are on. It begins with an invoice that is nearly seven years old, for which it moves the
// clock by years, and is one of the last of all tests.
func TestARestoredTable(t *testing.T) {
	old := signUp(t)
	old.connected()
	invoice := old.newInvoice()
	session := old.checkout(old.sendInvoice(invoice))
	old.settle()
	old.steer("sessions/"+session+"/pay", map[string]any{})
	for _, d := range []time.Duration{90 * 24 * time.Hour, (7*365 - 100) * 24 * time.Hour} {
		old.settle()
		pass(d)
		if err := old.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	living, lost := signUp(t), signUp(t)
	rename := func(p *caller) {
		t.Helper()
		p.must(200, journey.Call{Method: "PATCH", Path: "/v1/org", IfMatch: "*", Body: map[string]any{"name": "Studio " + unique()}})
	}
	rename(living)
	rename(lost)
	living.signsOff(t)
	gone, due, held, freed := signUp(t), signUp(t), signUp(t), signUp(t)
	gone.newAPIToken("clients:read")
	gone.packaged()
	question := gone.newTicket()[len("/v1/support/tickets/"):]
	sketch := gone.newFileOf("ticket", question, "How it looks")[len("/v1/files/"):]
	gone.settle()
	staff(t, access.SecurityLead).must(201, journey.Call{Method: "POST", Path: "/v1/admin/abuse-flags", Body: map[string]any{"subject": map[string]any{"kind": "account", "id": gone.user},
		"ground": "spam", "measure": "watch", "explanation": "A thousand mails in an hour.", "days": 90}})
	k := newCanary()
	person := living.newPerson(k)
	living.sendInvoice(living.newInvoiceTo(person))
	living.newInvoiceTo(person) // a draft, which has no document
	due.newFile("theirs")
	if got := put(t, due.askForUpload("project", due.project(), "Notes.txt", "text/plain", []byte("pending")), nil, []byte("pending")); got != http.StatusOK {
		t.Fatalf("the upload = %d", got)
	}
	due.sendInvoice(due.newInvoice())
	due.packaged()
	for _, p := range []*caller{due, held, freed} {
		p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	}
	due.settle()
	due.runLater("close-organizations", 2*time.Minute)
	due.settle()
	counsel := staff(t, access.LegalCounsel)
	lifted := counsel.hold("account", freed.user, "")
	counsel.settle()

	const name = "pixeltrack-local-recovered"
	if err := cloud.Recover(t.Context(), name); err != nil {
		t.Fatal(err)
	}

	counsel.hold("account", held.user, "")
	counsel.lift(lifted)
	gone.logIn()
	gone.askFor(map[string]any{"type": "erasure", "at_once": true, "description": "Now, please."})
	for range 3 {
		gone.settle()
		gone.runLater("work-requests", 16*time.Minute)
	}
	living.logIn()
	living.must(202, journey.Call{Method: "POST", Path: "/v1/clients/" + person + "/erasure"})
	living.settle()
	living.runLater("erase-recipients", clients.Settle)
	rename(living)
	living.signsOff(t)
	pass(32 * 24 * time.Hour)
	if marks := living.finds(k.words()...); len(marks) > 0 {
		t.Fatalf("the client was not erased: %v", marks)
	}

	cloud.Serve(name)
	defer cloud.Serve(template.TableName)
	if len(living.finds(k.name)) == 0 || len(living.finds(question)) == 0 || gone.left() == "" {
		t.Fatal("the recovered table is not from before")
	}
	shut := func(when string) {
		t.Helper()
		for _, c := range []journey.Call{{Method: "POST", Path: "/v1/auth/login", Body: map[string]any{"email": gone.person.Email, "password": gone.person.Password}},
			{Method: "GET", Path: "/v1/me", Token: living.token}, {Method: "GET", Path: "/.well-known/jwks.json"}} {
			if a := living.call(c); a.Status != http.StatusServiceUnavailable || a.Text("code") != "restoring" {
				t.Errorf("%s %s %s = %d %s; want 503 restoring", when, c.Method, c.Path, a.Status, a.Body)
			}
		}
	}
	shut("before the replay")
	mails := len(cloud.Mail.Mails(""))
	once1(t, "send-outbox") // a schedule does nothing
	if n := len(cloud.Mail.Mails("")); n != mails {
		t.Errorf("%d mails were sent out of a table that is not served", n-mails)
	}
	r, err := cloud.Lambda.Invoke(t.Context(), function("replay-ledger"), bus.Event(function("replay-ledger"), cloud.Clock.Now()), "")
	if err != nil || !strings.Contains(r.Error, "off are [ttl stream recovery]") {
		t.Errorf("a replay of a table without its settings = %q, %v", r.Error, err)
	}
	shut("without its settings")
	if err := cloud.TurnOn(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	once1(t, "replay-ledger")
	pass(time.Minute)
	living.logIn()
	living.settle()
	living.must(200, journey.Call{Method: "GET", Path: "/v1/me"})
	if a := living.must(200, journey.Call{Method: "GET", Path: "/v1/clients/" + person}); strings.Contains(string(a.Body), k.name) {
		t.Errorf("an erased client is back: %s", a.Body)
	}
	verification := func() string {
		return string(living.must(200, journey.Call{Method: "GET", Path: "/v1/audit/verification"}).Body)
	}
	if got := verification(); !strings.Contains(got, `"findings":[{"fault":"restoration_unsigned"}]`) || !strings.Contains(got, `"signed":false`) {
		t.Errorf("the chain of an organization that was restored is %s; want the restoration told, and nobody accused", got)
	}
	for _, family := range []store.Family{api.FamilyAudit, chain.FamilySeal, chain.FamilyHead} { // a backup that has nothing of a chain
		rows, err := cloud.Rows(t.Context(), store.OrganizationScope(id.Organization(lost.organization)).Partition(family))
		if err != nil {
			t.Fatal(err)
		}
		var keys []store.Key
		for _, r := range rows {
			keys = append(keys, store.Key{PK: fmt.Sprint(r["PK"]), SK: fmt.Sprint(r["SK"])})
		}
		disarm(t, keys)
	}
	rename(living)
	living.signsOff(t)
	lost.logIn()
	if got := string(lost.must(200, journey.Call{Method: "GET", Path: "/v1/audit/verification"}).Body); !strings.Contains(got, `"lost_from":1,"lost_to":1,"signed":true`) {
		t.Errorf("a chain that the backup has nothing of is %s; want all of it told as lost", got)
	}
	if got := verification(); !strings.Contains(got, `"intact":true`) || !strings.Contains(got, `"lost_to":2,"signed":true`) {
		t.Errorf("after the next day's signing it is %s; want it intact, with the restoration in it", got)
	}
	if err := living.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	living.settle()
	living.later("sweep-uploads", 2*time.Minute)
	if marks := living.finds(append(k.words(), invoice, question, sketch)...); len(marks) > 0 || versions(sketch) != 0 {
		t.Errorf("the recovered table still has %v, and of an erased file %d objects are there", marks, versions(sketch))
	}
	for who, p := range map[string]*caller{"erased": gone, "purged": due, "no longer held": freed} {
		if mark := p.left(); mark != "" {
			t.Errorf("who was %s is still there: %s", who, mark)
		}
	}
	if held.left() == "" {
		t.Error("who is held by law is gone")
	}
	for _, d := range cloud.Lambda.TakeDeadLetters() {
		t.Errorf("%s failed for good: %s", d.Function, d.Error)
	}
}
