package e2e_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

func (c *caller) askFor(body map[string]any) string {
	c.t.Helper()
	return c.must(201, journey.Call{Method: "POST", Path: "/v1/dsr", Body: body, Key: "key-" + unique()}).Text("id")
}

// packaged asks for access and waits until the package is there.
func (c *caller) packaged() {
	c.t.Helper()
	id := c.askFor(map[string]any{"type": "access", "description": "Everything, please."})
	c.settle()
	if err := c.RunJob(c.t.Context(), "WorkRequests"); err != nil {
		c.t.Fatal(err)
	}
	c.settle()
	c.must(200, journey.Call{Method: "GET", Path: "/v1/dsr/" + id + "/download"})
}

// left gives what is left of a person around its first mark, nothing when all is gone.
func (c *caller) left() string {
	c.t.Helper()
	text, err := c.Raw(c.t.Context(), "table")
	if err != nil {
		c.t.Fatal(err)
	}
	objects, err := c.Raw(c.t.Context(), "objects")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, mark := range []string{c.user, c.person.Email, c.person.Name} {
		for _, where := range []string{text, objects} {
			if i := strings.Index(where, mark); i >= 0 {
				return where[max(0, i-300):min(len(where), i+300)]
			}
		}
	}
	return ""
}

// TestRightsThatTakeEffectWithTheCall objects, withdraws consent, opts out and restricts, and finds each obeyed at once.
func TestRightsThatTakeEffectWithTheCall(t *testing.T) {
	p := signUp(t)
	p.must(201, journey.Call{Method: "POST", Path: "/v1/privacy/consents", Body: p.consent("analytics")})
	p.askFor(map[string]any{"type": "consent_withdrawal", "purpose": "analytics"})
	p.must(404, journey.Call{Method: "DELETE", Path: "/v1/privacy/consents/analytics"}) // there is none any more
	p.askFor(map[string]any{"type": "opt_out"})
	weighed := p.must(201, journey.Call{Method: "POST", Path: "/v1/privacy/objections", Body: map[string]any{"purpose": "fraud_prevention", "description": "It is a mistake."}}).Text("request_id")
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/dsr/" + weighed}); a.Text("state") == "fulfilled" {
		t.Errorf("an objection to an interest = %s; want it weighed", a.Body)
	}
	p.askFor(map[string]any{"type": "restriction", "description": "I contest what you hold."})
	if a := p.call(journey.Call{Method: "POST", Path: "/v1/clients", Body: clientBody()}); a.Code() != "processing_restricted" {
		t.Errorf("a change after the restriction = %d %s; want processing_restricted", a.Status, a.Code())
	}
	p.must(200, journey.Call{Method: "GET", Path: "/v1/clients"})
}

// TestARestrictionKeepsADeletedAccount restricts processing of an account after its deletion, as people may: the purge is
// put off, whether the schedule or the end of the wake row leads to it.
func TestARestrictionKeepsADeletedAccount(t *testing.T) {
	p := signUp(t)
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	p.settle()
	gate := p.row(access.UserGateKey(id.User(p.user)))
	gate["restrict"] = true
	p.put(access.UserGateKey(id.User(p.user)), "USERGATE", gate)
	for _, by := range []func(){
		func() { p.runLater("sweep-retention", 30*24*time.Hour+time.Minute) },
		func() {
			cloud.Move(func(c *simclock.Clock) { c.Advance(24*time.Hour + time.Minute) })
			if err := p.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		before := p.clocks("WAKE#purge-account", p.user)
		by()
		p.settle()
		if after := p.clocks("WAKE#purge-account", p.user); after == before || after == "" {
			t.Errorf("the clock of the purge was %q and is %q; want it put off", before, after)
		}
		if p.left() == "" {
			t.Fatal("a restricted account was purged")
		}
	}
	p.remove(access.UserGateKey(id.User(p.user)), "restrict")
	p.purge()
	if mark := p.left(); mark != "" {
		t.Errorf("the restriction has ended and %s is still there", mark)
	}
}

// clocks gives the rows of a clock that are about something, by when they ring.
func (c *caller) clocks(prefix, about string) string {
	c.t.Helper()
	rows, err := cloud.Rows(c.t.Context(), "")
	if err != nil {
		c.t.Fatal(err)
	}
	var all []string
	for _, r := range rows {
		pk, _ := r["PK"].(string)
		sk, _ := r["SK"].(string)
		if strings.HasPrefix(pk, prefix) && strings.Contains(sk, about) {
			all = append(all, sk)
		}
	}
	return strings.Join(all, "\n")
}

// TestWhatTTLLeavesBehindGoes lets a wake row lead to a purge while TTL has not reached the markers of the account, and an
// object came late: both go with it.
func TestWhatTTLLeavesBehindGoes(t *testing.T) {
	p := signUp(t)
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	p.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(30*24*time.Hour + 2*time.Minute) })
	late := cloud.Clock.Now().Add(24 * time.Hour).Unix()
	hash, _ := p.row(account.ProfileKey(id.User(p.user)))["mail_hash"].(string)
	p.put(store.MailLookup(hash), "ADDRESS", map[string]any{"user": p.user, "expires_at": late})
	p.putObject(blob.KeyPrefix(store.UserScope(id.User(p.user))) + "late.zip")
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.settle()
	if mark := p.left(); mark != "" {
		t.Errorf("%s is still there", mark)
	}
}

// putObject writes an object into the bucket of the packages, past the product.
func (c *caller) putObject(key string) {
	c.t.Helper()
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &cloud.Objects, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(identity.Root, identity.RootSecret, "")})
	if _, err := client.PutObject(c.t.Context(), &s3.PutObjectInput{Bucket: aws.String("pixeltrack-local-exports"), Key: &key, Body: strings.NewReader("late")}); err != nil {
		c.t.Fatal(err)
	}
}

// TestAnErasureMeetsADeletion asks for an erasure, deletes the account as well, and lets the request fall due first: it
// takes along the link that would have restored the account.
func TestAnErasureMeetsADeletion(t *testing.T) {
	p := signUp(t)
	p.askFor(map[string]any{"type": "erasure", "description": "Everything, please."})
	p.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(25 * 24 * time.Hour) })
	p.logIn()
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	link := p.mailToken("delet")
	for range 6 {
		p.runLater("work-requests", 24*time.Hour)
	}
	p.settle()
	if a := p.call(journey.Call{Method: "POST", Path: "/v1/auth/restore", Token: "none", Body: map[string]any{"token": link, "password": p.person.Password}}); a.Status != 404 {
		t.Errorf("the link of the deletion still answers %d: %s", a.Status, a.Body)
	}
	if row := p.row(store.TokenLookup(keys.HashToken(link))); len(row) > 0 {
		t.Errorf("the link is still there: %v", row)
	}
}

// TestARequestIsTakenBackOnce takes an erasure back, twice under one key.
func TestARequestIsTakenBackOnce(t *testing.T) {
	p := signUp(t)
	id := p.askFor(map[string]any{"type": "erasure"})
	c := journey.Call{Method: "POST", Path: "/v1/dsr/" + id + "/withdraw", Key: "key-" + unique()}
	p.must(200, c)
	if a := p.must(200, c); a.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("the repeat is not told as one")
	}
}

// TestAnErasureByRequest erases an account with its packages by a request, at once.
func TestAnErasureByRequest(t *testing.T) {
	p := signUp(t)
	p.newClient()
	p.packaged()
	p.askFor(map[string]any{"type": "erasure", "at_once": true, "description": "Now, please."})
	for range 3 {
		p.settle()
		cloud.Move(func(c *simclock.Clock) { c.Advance(16 * time.Minute) })
		if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
			t.Fatal(err)
		}
	}
	p.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(31 * 24 * time.Hour) }) // what ages by itself: the bindings of sent mails, ids alone
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.settle()
	if mark := p.left(); mark != "" {
		t.Errorf("%s is still there", mark)
	}
}

// TestThePurgeTakesPackagesAlong deletes an account whose package still lies in its bucket when the sweep comes.
func TestThePurgeTakesPackagesAlong(t *testing.T) {
	p := signUp(t)
	p.packaged()
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	p.purge()
	if mark := p.left(); mark != "" {
		t.Errorf("%s is still there", mark)
	}
}

// TestListsOfChanges asks each list for what has changed.
func TestListsOfChanges(t *testing.T) {
	p := signUp(t)
	since := url.QueryEscape(p.now().Add(-time.Minute).Format(time.RFC3339))
	client := p.newClient()
	project := p.newProject(client)
	entry := p.newEntry(project)
	for path, id := range map[string]string{"/v1/clients": client, "/v1/projects": project, "/v1/time-entries": entry} {
		a := p.must(200, journey.Call{Method: "GET", Path: path + "?updated_since=" + since})
		if !strings.Contains(string(a.Body), id) {
			t.Errorf("%s does not show %s among the changes: %s", path, id, a.Body)
		}
	}
}
