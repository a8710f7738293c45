package e2e_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/resend"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/privacy/policy"
	"pixeltrack.io/platform/pkg/secondfactor/totp"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/transfers"
)

// appoint makes the person one of PixelTrack's own people whose session was begun with both factors.
func (c *caller) appoint(role access.StaffRole) {
	c.t.Helper()
	c.appointed = true
	if _, err := cloud.Appoint(c.t.Context(), id.User(c.user), role); err != nil {
		c.t.Fatal(err)
	}
	if _, err := cloud.Table.UpdateItem(c.t.Context(), &dynamodb.UpdateItemInput{TableName: &cloud.Cloud.Table.Name, Key: keyOf(access.UserGateKey(id.User(c.user))),
		UpdateExpression: aws.String("SET second_factor = :true, second_factor_at = :first"), ExpressionAttributeValues: map[string]types.AttributeValue{
			":true": &types.AttributeValueMemberBOOL{Value: true}, ":first": &types.AttributeValueMemberN{Value: "1"}}}); err != nil {
		c.t.Fatal(err)
	}
}

// correction files a request that people decide, as somebody else, and gives its id once the worker has brought it to them.
func correction(t testing.TB) string {
	t.Helper()
	p := signUp(t)
	id := p.askFor(map[string]any{"type": "rectification", "description": "My name has two t."})
	p.settle()
	if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
		t.Fatal(err)
	}
	p.settle()
	return id
}

// agentWrites mails a request for somebody as if it were the writer's own, and gives its id.
func agentWrites(t testing.TB) string {
	t.Helper()
	_, id := stranger(t).writes()
	return id
}

var numberOf = regexp.MustCompile(`dsr_[0-9A-Z]{26}`)

func (c *caller) writes() (*caller, string) {
	c.t.Helper()
	c.mailTo("privacy@pixeltrack.io", "For our client", "Please send a copy of the personal data.", resend.Delivery{})
	all := c.mails(received)
	if len(all) != 1 {
		c.t.Fatalf("%d receipts; want one", len(all))
	}
	return c, numberOf.FindString(all[0].Text)
}

func forSomebody(s *caller) map[string]any {
	return map[string]any{"person_email": s.person.Email, "agent_name": "Rights & Co.", "signed_permission": true}
}

// TestAnAgentsMailIsThePersons follows a mail that an agent wrote for somebody: until one of our own people has read it, it is
// the agent's, and then the person's, who fetches what was asked for.
func TestAnAgentsMailIsThePersons(t *testing.T) {
	for name, who := range map[string]struct{ agent, person *caller }{
		"nobody has an account": {stranger(t), stranger(t)}, "the agent has one": {signUp(t), stranger(t)}, "the person has one": {stranger(t), signUp(t)},
	} {
		t.Run(name, func(t *testing.T) {
			agent, s := who.agent, who.person
			_, id := agent.writes()
			officer := colleague(t, access.PrivacyOfficer, 1)
			path := "/v1/admin/cases/" + id
			was := officer.must(200, journey.Call{Method: "GET", Path: path})
			a := officer.must(200, journey.Call{Method: "POST", Path: path + "/agent", Body: forSomebody(s), IfMatch: was.Header.Get("ETag")})
			if a.Text("id") != id || a.Text("state") != "identity_pending" || a.Text("received_at") != was.Text("received_at") || a.Text("due_at") != was.Text("due_at") || a.Text("agent.email") != agent.person.Email {
				t.Errorf("the request = %s; want the same, by an agent", a.Body)
			}
			officer.settle()
			if all := agent.mails("for somebody else"); len(all) != 1 || strings.Contains(all[0].Text, s.person.Email) {
				t.Errorf("the agent is mailed %+v; want that it waits, and not for whom", all)
			}
			all := s.mails(received)
			if len(all) != 1 || !strings.Contains(all[0].Text, "Rights & Co. says to be your authorized agent") {
				t.Fatalf("the person is mailed %+v; want who asks", all)
			}
			if s.user != "" {
				if a := s.must(200, journey.Call{Method: "POST", Path: "/v1/dsr/" + id + "/verify"}); a.Text("state") != "verified" {
					t.Errorf("verified by who has an account = %s; want it confirmed", a.Body)
				}
				return
			}
			_, pass, _ := strings.Cut(all[0].Text, "#pass=")
			pass = strings.Fields(pass)[0]
			if a := s.must(200, journey.Call{Method: "POST", Path: "/v1/dsr/mail/open", Body: map[string]any{"pass": pass, "code": s.mailedCode(pass)}}); a.Text("state") != "verified" || a.Text("id") != id {
				t.Errorf("opened = %s; want it confirmed", a.Body)
			}
		})
	}
}

func holdBody(kind, object, org string) map[string]any {
	held := map[string]any{"kind": kind, "id": object}
	if org != "" {
		held["organization_id"] = org
	}
	return map[string]any{"matter": "2026-" + unique(), "object": held}
}

// hold places a legal hold and gives its id.
func (c *caller) hold(kind, object, org string) string {
	c.t.Helper()
	return c.must(201, journey.Call{Method: "POST", Path: "/v1/admin/holds", Body: holdBody(kind, object, org)}).Text("id")
}

func (c *caller) lift(hold string) {
	c.t.Helper()
	path := "/v1/admin/holds/" + hold
	c.must(200, journey.Call{Method: "POST", Path: path + "/lift", IfMatch: c.etag(path)})
}

// staff gives somebody new with a role of staff.
func staff(t testing.TB, role access.StaffRole) *caller {
	t.Helper()
	c := signUp(t)
	c.appoint(role)
	return c
}

// shared keeps people whom many steps need beside their own person, for whom it does not matter what else is theirs.
var shared = struct {
	sync.Mutex
	people map[string]*caller
}{people: map[string]*caller{}}

// known gives the person of a name whose token still counts, made where there is none.
func known(t testing.TB, name string, make func() *caller) *caller {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	c := shared.people[name]
	if c == nil || c.until().Before(cloud.Clock.Now().Add(5*time.Minute)) {
		c = make()
		shared.people[name] = c
	}
	one := *c
	one.t = t
	return &one
}

// bystander is somebody with an organization whom an act of others is about.
func bystander(t testing.TB) *caller {
	t.Helper()
	return known(t, "bystander", func() *caller { return signUp(t) })
}

// colleague is the n-th of our own people with a role.
func colleague(t testing.TB, role access.StaffRole, n int) *caller {
	t.Helper()
	return known(t, fmt.Sprint(role, n), func() *caller { return staff(t, role) })
}

// until is when the person's token ends.
func (c *caller) until() time.Time {
	c.t.Helper()
	seconds, err := strconv.ParseFloat(c.claim("exp"), 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return time.Unix(int64(seconds), 0)
}

// demanded carries out an act about a legal request.
func (c *caller) demanded(path, act string) {
	c.t.Helper()
	call := journey.Call{Method: "POST", Path: path + act, IfMatch: c.etag(path)}
	if body := acts()[act]; body != nil {
		call.Body = body
	}
	c.must(200, call)
}

// acts are the bodies of what happens to a legal request.
func acts() map[string]map[string]any {
	return map[string]map[string]any{
		"/review": {"comply": true, "granted": []string{"account"}, "opinion": "A valid order."}, "/approve": {"agree": true},
		"/disclosures": {"categories": []string{"account"}, "sha256": strings.Repeat("0a", 32)},
	}
}

// policy is the next version of the policy, of which nobody is told, and which takes effect long after the last test.
func (c *caller) policy() map[string]any {
	c.t.Helper()
	a, err := c.Do(c.t.Context(), journey.Call{Method: "GET", Path: "/v1/privacy/policy/versions"})
	if err != nil {
		c.t.Fatal(err)
	}
	text := "# Privacy Policy\n"
	return map[string]any{"version": strings.Count(string(a.Body), `"version":`) + 1, "text": text, "sha256": policy.Version{Text: []byte(text)}.SHA256(), "summary": "Other words.",
		"material": false, "effective_on": c.now().AddDate(40, 0, 0).Format(time.DateOnly)}
}

// provider is a company that is to get data.
func (c *caller) provider(name string) map[string]any {
	return map[string]any{"id": name, "from": c.now().AddDate(0, 0, 40).Format(time.DateOnly), "name": "Example", "service": "Search", "parts": []string{}, "categories": []string{"projects"},
		"purposes": []string{"service_delivery"}, "country": "DE", "mechanisms": []any{}, "hosts": []string{name + ".example"}, "standards": []string{}, "terms": "https://example.com/dpa", "page": "https://example.com/trust"}
}

// sale is a sale of the business that people are to be told of.
func (c *caller) sale() map[string]any {
	return map[string]any{"kind": "acquisition", "acquirer": "Example Holding", "country": "US", "description": "It buys PixelTrack.", "from": c.now().AddDate(0, 0, 40).Format(time.DateOnly)}
}

// arrived lets everybody have been told of a transfer and its day have come, past the job and the clock.
func (c *caller) arrived(transfer, announcement string) {
	c.t.Helper()
	for k, field := range map[store.Key]string{notices.Key(id.Announcement(announcement)): "told", transfers.Key(id.Transfer(transfer)): "from"} {
		row := c.row(k)
		row[field] = c.now().Add(-time.Hour).Unix()
		c.put(k, row["_type"].(string), row)
	}
}

func staffSteps() []step {
	acts := acts()
	own := func(operation, path string, role access.StaffRole) step {
		return step{operation: operation, status: 200, prepare: func(p *caller) journey.Call {
			p.appoint(role)
			return journey.Call{Method: "GET", Path: path}
		}}
	}
	// work makes the person an officer, and a call about a request of somebody else's that is to be decided.
	work := func(operation, verb string, body any, before ...journey.Call) step {
		return step{operation: operation, status: 200, prepare: func(p *caller) journey.Call {
			path := "/v1/admin/cases/" + correction(p.t)
			p.appoint(access.PrivacyOfficer)
			for _, c := range before {
				c.Path, c.IfMatch = path+c.Path, p.etag(path)
				p.must(200, c)
			}
			if verb == "" {
				return journey.Call{Method: "GET", Path: path}
			}
			return journey.Call{Method: "POST", Path: path + verb, Body: body, IfMatch: p.etag(path), Key: "key-" + unique()}
		}, again: []int{409, 412}}
	}
	decision := map[string]any{"items": []map[string]any{{"name": "rectification", "decision": "act"}}}
	// hold makes the person a counsel, and a call about a hold on somebody else's invoice.
	hold := func(operation, verb string) step {
		return step{operation: operation, status: 200, prepare: func(p *caller) journey.Call {
			q := bystander(p.t)
			p.appoint(access.LegalCounsel)
			path := "/v1/admin/holds/" + p.hold("invoice", q.newInvoice(), q.organization)
			if verb == "" {
				return journey.Call{Method: "GET", Path: path}
			}
			return journey.Call{Method: "POST", Path: path + verb, IfMatch: p.etag(path), Key: "key-" + unique()}
		}, again: []int{409, 412}}
	}
	facts := func(p *caller) map[string]any {
		return map[string]any{"nature": "A backup was readable.", "risk": "likely", "discovered_at": p.now().Add(-2 * time.Hour), "aware_at": p.now().Add(-time.Hour)}
	}
	// breach makes the person the lead of security, and a call about a breach that they have entered.
	breach := func(operation, method, verb string, status int, body func(*caller) map[string]any) step {
		return step{operation: operation, status: status, prepare: func(p *caller) journey.Call {
			p.appoint(access.SecurityLead)
			path := "/v1/admin/breaches/" + p.must(201, journey.Call{Method: "POST", Path: "/v1/admin/breaches", Body: facts(p)}).Text("id")
			c := journey.Call{Method: method, Path: path + verb}
			if verb == "/close" {
				p.must(200, journey.Call{Method: "POST", Path: path + "/notices", IfMatch: p.etag(path), Body: map[string]any{"whom": "authority", "at": p.now()}})
			}
			if method != "GET" {
				c.Body, c.IfMatch = body(p), p.etag(path)
			}
			if method == "POST" {
				c.Key = "key-" + unique()
			}
			return c
		}, again: []int{409, 412}}
	}
	// provider makes the person the officer, and a call about a company that has not been in the register before, or has ended.
	provider := func(operation, method, verb string, status int) step {
		return step{operation: operation, status: status, prepare: func(p *caller) journey.Call {
			p.appoint(access.PrivacyOfficer)
			body := p.provider(operation)
			path := "/v1/admin/subprocessors/" + operation
			p.call(journey.Call{Method: "POST", Path: path + "/end", IfMatch: "*"})
			c := journey.Call{Method: method, Path: "/v1/admin/subprocessors"}
			if operation != "create-subprocessor" {
				p.must(201, journey.Call{Method: "POST", Path: c.Path, Body: body})
				delete(body, "id")
				c.Path = path + verb
			}
			if method == "PUT" || operation == "create-subprocessor" {
				c.Body = body
			}
			if method == "POST" {
				c.Key = "key-" + unique()
			}
			if method == "PUT" || verb != "" {
				c.IfMatch = p.etag(path)
			}
			return c
		}, again: []int{409, 412}}
	}
	// transfer makes the person a counsel, and a call about a transfer of which everybody was told, past the job that does it.
	transfer := func(operation, verb string) step {
		return step{operation: operation, status: 200, prepare: func(p *caller) journey.Call {
			p.appoint(access.LegalCounsel)
			made := p.must(201, journey.Call{Method: "POST", Path: "/v1/admin/business-transfers", Body: p.sale()})
			path := "/v1/admin/business-transfers/" + made.Text("id")
			if verb == "/start" {
				p.arrived(made.Text("id"), made.Text("announcement_id"))
			}
			if verb == "" {
				return journey.Call{Method: "GET", Path: path}
			}
			return journey.Call{Method: "POST", Path: path + verb, IfMatch: p.etag(path), Key: "key-" + unique()}
		}, again: []int{409, 412}}
	}
	demand := func(q *caller) map[string]any {
		return map[string]any{"authority": "Amtsgericht Musterstadt", "country": "DE", "instrument": "court_order", "reference": "17 Gs " + unique(), "account_id": q.user,
			"asked": []string{"account", "log"}, "received_at": q.now().Add(-time.Hour), "answer_by": q.now().AddDate(0, 0, 14)}
	}
	// handOver makes the person a counsel, and a call about a demand that has come as far as the names of the acts say.
	handOver := func(operation, verb string, body map[string]any, before ...string) step {
		return step{operation: operation, status: 200, prepare: func(p *caller) journey.Call {
			q, second := bystander(p.t), colleague(p.t, access.LegalCounsel, 1)
			p.appoint(access.LegalCounsel)
			path := "/v1/admin/legal-requests/" + second.must(201, journey.Call{Method: "POST", Path: "/v1/admin/legal-requests", Body: demand(q)}).Text("id")
			for _, act := range before {
				second.demanded(path, act)
				if act == "/review" && slices.Contains(before, "/approve") {
					second = colleague(p.t, access.LegalCounsel, 2)
				}
			}
			if verb == "" {
				return journey.Call{Method: "GET", Path: path}
			}
			c := journey.Call{Method: "POST", Path: path + verb, IfMatch: p.etag(path), Key: "key-" + unique()}
			if body != nil {
				c.Body = body
			}
			return c
		}, again: []int{409, 412}}
	}
	return []step{
		{operation: "create-legal-request", status: 201, prepare: func(p *caller) journey.Call {
			q := bystander(p.t)
			p.appoint(access.LegalCounsel)
			return journey.Call{Method: "POST", Path: "/v1/admin/legal-requests", Body: demand(q), Key: "key-" + unique()}
		}},
		own("list-assurance", "/v1/admin/assurance", access.SecurityLead),
		{operation: "record-assurance", status: 201, prepare: func(p *caller) journey.Call {
			p.appoint(access.SecurityLead)
			return journey.Call{Method: "POST", Path: "/v1/admin/assurance", Key: "key-" + unique(), Body: map[string]any{"provider": "resend", "standard": "SOC 2 Type II",
				"document": "reports/resend.pdf", "issued_at": p.now().Add(-time.Hour), "expires_at": p.now().AddDate(1, 0, 0)}}
		}},
		provider("create-subprocessor", "POST", "", 201),
		provider("get-subprocessor", "GET", "", 200),
		provider("update-subprocessor", "PUT", "", 200),
		provider("end-subprocessor", "POST", "/end", 200),
		{operation: "create-business-transfer", status: 201, prepare: func(p *caller) journey.Call {
			p.appoint(access.LegalCounsel)
			return journey.Call{Method: "POST", Path: "/v1/admin/business-transfers", Body: p.sale(), Key: "key-" + unique()}
		}},
		transfer("get-business-transfer", ""),
		transfer("start-business-transfer", "/start"),
		transfer("cancel-business-transfer", "/cancel"),
		{operation: "create-policy", status: 201, prepare: func(p *caller) journey.Call {
			p.appoint(access.PrivacyOfficer)
			return journey.Call{Method: "POST", Path: "/v1/admin/policies", Body: p.policy(), Key: "key-" + unique()}
		}, again: []int{409}},
		own("list-legal-requests", "/v1/admin/legal-requests?limit=1", access.LegalCounsel),
		handOver("get-legal-request", "", nil),
		handOver("review-legal-request", "/review", acts["/review"]),
		handOver("approve-legal-request", "/approve", acts["/approve"], "/review"),
		handOver("record-legal-disclosure", "/disclosures", acts["/disclosures"], "/review", "/approve"),
		handOver("notify-legal-request", "/notice", nil, "/review", "/approve", "/disclosures"),
		handOver("close-legal-request", "/close", nil, "/review", "/approve", "/disclosures", "/notice"),
		own("get-processing-record", "/v1/admin/ropa", access.PrivacyOfficer),
		{operation: "create-breach", status: 201, prepare: func(p *caller) journey.Call {
			p.appoint(access.SecurityLead)
			return journey.Call{Method: "POST", Path: "/v1/admin/breaches", Body: facts(p), Key: "key-" + unique()}
		}},
		own("get-privacy-health", "/v1/admin/privacy-health", access.SecurityLead),
		own("list-breaches", "/v1/admin/breaches?limit=1", access.SecurityLead),
		own("list-business-transfers", "/v1/admin/business-transfers?limit=1", access.LegalCounsel),
		breach("get-breach", "GET", "", 200, nil),
		breach("update-breach", "PUT", "", 200, facts),
		breach("report-breach-notice", "POST", "/notices", 200, func(p *caller) map[string]any { return map[string]any{"whom": "authority", "at": p.now()} }),
		breach("close-breach", "POST", "/close", 200, func(*caller) map[string]any { return map[string]any{} }),
		{operation: "place-hold", status: 201, prepare: func(p *caller) journey.Call {
			q := bystander(p.t)
			p.appoint(access.LegalCounsel)
			return journey.Call{Method: "POST", Path: "/v1/admin/holds", Body: holdBody("invoice", q.newInvoice(), q.organization), Key: "key-" + unique()}
		}},
		own("list-holds", "/v1/admin/holds?limit=1", access.LegalCounsel),
		hold("get-hold", ""),
		hold("review-hold", "/review"),
		hold("lift-hold", "/lift"),
		own("list-cases", "/v1/admin/cases?limit=1", access.LegalCounsel),
		work("get-case", "", nil),
		work("assign-case", "/assign", nil),
		work("decide-case", "/decide", decision),
		work("deny-case", "/deny", map[string]any{"reason": "found_accurate", "explanation": "The bank confirmed it."}),
		work("extend-case", "/extend", map[string]any{"reason": "complexity", "explanation": "Three providers must be asked."}),
		{operation: "attribute-case", status: 200, prepare: func(p *caller) journey.Call {
			path := "/v1/admin/cases/" + agentWrites(p.t)
			p.appoint(access.PrivacyOfficer)
			return journey.Call{Method: "POST", Path: path + "/agent", Body: forSomebody(stranger(p.t)), IfMatch: p.etag(path), Key: "key-" + unique()}
		}, again: []int{409, 412}},
		work("report-case-step", "/steps", map[string]any{"item": "rectification", "outcome": "done"}, journey.Call{Method: "POST", Path: "/decide", Body: decision}),
		own("get-staff", "/v1/admin/me", access.SupportAgent),
		own("list-staff-roles", "/v1/admin/roles", access.SupportAgent),
		own("list-staff-audit", "/v1/admin/audit?limit=1", access.SecurityLead),
		own("verify-staff-audit", "/v1/admin/audit/verification", access.SecurityLead),
	}
}

// TestStaffWithASecondFactor goes the way of a new colleague: refused before the operator's act, refused without a second
// factor, refused with the session of before it, and let in with the next.
func TestStaffWithASecondFactor(t *testing.T) {
	p := signUp(t)
	me := journey.Call{Method: "GET", Path: "/v1/admin/me"}
	refused := func(code string) {
		t.Helper()
		if a := p.call(me); a.Code() != code {
			t.Errorf("%d %s; want %s", a.Status, a.Code(), code)
		}
	}
	refused("staff_required")
	if _, err := cloud.Appoint(t.Context(), id.User(p.user), access.LegalCounsel); err != nil {
		t.Fatal(err)
	}
	refused("second_factor_required")
	pass(2 * time.Second)
	a := p.enrol()
	refused("reauthentication_required")
	pass(totp.Period)
	p.token = p.must(200, journey.Call{Method: "POST", Path: "/v1/auth/reauthenticate", Body: map[string]any{"password": p.person.Password, "code": a.code()}}).Text("access_token")
	if got := p.must(200, me).Text("role"); got != "legal" {
		t.Errorf("role = %s; want legal", got)
	}
	if _, err := cloud.Appoint(t.Context(), id.User(p.user), ""); err != nil {
		t.Fatal(err)
	}
	refused("staff_required")
}

// TestARequestAtTheDesk lists requests in a state, and reads one whose person was erased: what is left of it lies under the
// keyed hash, and so does its line.
func TestARequestAtTheDesk(t *testing.T) {
	for name, purge := range map[string]func(*caller){
		"by the schedule": (*caller).purge,
		"by the end of its wake row": func(p *caller) {
			p.runLater("close-organizations", 2*time.Minute)
			pass(30*24*time.Hour + time.Minute)
			if err := p.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.settle()
			p.purge() // the organization
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := signUp(t)
			id := p.askFor(map[string]any{"type": "rectification", "description": "My name has two t."})
			p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
			p.settle()
			purge(p)
			if mark := p.left(); mark != "" {
				t.Errorf("the account was purged and %s is still there", mark)
			}
			officer := staff(t, access.PrivacyOfficer)
			a := officer.must(200, journey.Call{Method: "GET", Path: "/v1/admin/cases/" + id})
			if a.Text("state") != "denied" || a.Text("denial") != "account_deleted" || a.Text("description") != "" {
				t.Errorf("the request is %s", a.Body)
			}
			if n := count(officer, "/v1/admin/cases?state=denied&limit=200", id); n != 1 {
				t.Errorf("the request is listed %d times among the denied; want once", n)
			}
		})
	}
}

// TestPeopleDecideWhoeverAsks works on requests of a person with an account, and of somebody who has only written: one is taken
// on, extended, decided and done, another is denied. Both persons read what became of theirs, and are mailed it once.
func TestPeopleDecideWhoeverAsks(t *testing.T) {
	officer := staff(t, access.PrivacyOfficer)
	ask := map[string]any{"type": "rectification", "description": "My name has two t."}
	for name, asker := range map[string]func(t *testing.T) (who *caller, file func() (id string, read func() journey.Answer)){
		"with an account": func(t *testing.T) (*caller, func() (string, func() journey.Answer)) {
			p := signUp(t)
			return p, func() (string, func() journey.Answer) {
				id := p.askFor(ask)
				return id, func() journey.Answer { return p.must(200, journey.Call{Method: "GET", Path: "/v1/dsr/" + id}) }
			}
		},
		"by mail": func(t *testing.T) (*caller, func() (string, func() journey.Answer)) {
			s := stranger(t)
			return s, func() (string, func() journey.Answer) {
				a := s.must(201, journey.Call{Method: "POST", Path: "/v1/dsr/mail", Headers: anywhere(),
					Body: map[string]any{"email": s.person.Email, "type": ask["type"], "description": ask["description"]}})
				open := func() journey.Answer {
					return s.must(200, journey.Call{Method: "POST", Path: "/v1/dsr/mail/open", Body: map[string]any{"pass": a.Text("pass"), "code": s.mailedCode(a.Text("pass"))}})
				}
				open() // which shows that the address is theirs
				return a.Text("id"), open
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			who, file := asker(t)
			done, readDone := file()
			denied, readDenied := file()
			who.settle()
			if err := who.RunJob(t.Context(), "WorkRequests"); err != nil {
				t.Fatal(err)
			}
			act := func(id, verb string, body any) journey.Answer {
				t.Helper()
				path := "/v1/admin/cases/" + id
				return officer.must(200, journey.Call{Method: "POST", Path: path + verb, IfMatch: officer.etag(path), Body: body, Key: "key-" + unique()})
			}
			if a := act(done, "/assign", nil); a.Text("assignee") == "" {
				t.Errorf("the request that was taken on = %s; want whose it is", a.Body)
			}
			first := act(done, "/extend", map[string]any{"reason": "complexity", "explanation": "Three providers must be asked."})
			act(done, "/decide", map[string]any{"items": []map[string]any{{"name": "rectification", "decision": "act"}}})
			act(done, "/steps", map[string]any{"item": "rectification", "outcome": "done"})
			act(denied, "/deny", map[string]any{"reason": "found_accurate", "explanation": "The bank confirmed it."})
			who.settle()
			if a := readDone(); a.Text("state") != "fulfilled" || a.Text("extended") != "true" || a.Text("due_at") != first.Text("due_at") {
				t.Errorf("the person reads %s; want it done, in the time that it was extended to", a.Body)
			}
			if a := readDenied(); a.Text("state") != "denied" || a.Text("denial") != "found_accurate" {
				t.Errorf("the person reads %s; want it denied, and why", a.Body)
			}
			for _, subject := range []string{"takes longer", "is answered", "could not be answered"} {
				if n := len(who.mails("Your privacy request " + subject)); n != 1 {
					t.Errorf("%d mails that the request %s; want one", n, subject)
				}
			}
		})
	}
}

// TestHoldsOnEveryKindOfThing places two holds on each and lifts both: what was held stays for as long as one is left, an
// account and organization that are due go afterwards, and the clock of a project goes on.
func TestHoldsOnEveryKindOfThing(t *testing.T) {
	p, q, counsel := signUp(t), signUp(t), staff(t, access.LegalCounsel)
	p.must(200, journey.Call{Method: "PATCH", Path: "/v1/org", IfMatch: "*", Body: map[string]any{"retention_days": 365}})
	client := p.newClient()
	project, invoice, file := p.newProject(client), p.newInvoice(), strings.TrimPrefix(p.newFile("what was agreed"), "/v1/files/")
	q.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: q.deletion()})
	q.settle()
	q.runLater("close-organizations", 2*time.Minute)
	q.settle()
	things := [][3]string{{"client", client, p.organization}, {"project", project, p.organization}, {"invoice", invoice, p.organization},
		{"file", file, p.organization}, {"account", q.user, ""}, {"organization", q.organization, ""}}
	running := p.clocks("DUE#purge-project", project)
	holds := map[string][2]string{}
	for _, o := range things {
		holds[o[1]] = [2]string{counsel.hold(o[0], o[1], o[2]), counsel.hold(o[0], o[1], o[2])}
	}
	if stopped := p.clocks("DUE#purge-project", project); running == "" || stopped != "" {
		t.Errorf("the clock of the project was %q and is %q; want it to stand still", running, stopped)
	}
	q.purge()
	if q.left() == "" {
		t.Fatal("a held account was purged")
	}
	p.logIn()
	path := "/v1/files/" + file
	if a := p.call(journey.Call{Method: "DELETE", Path: path, IfMatch: p.etag(path)}); a.Status < 400 {
		t.Errorf("a held file was deleted: %d", a.Status)
	}
	p.must(200, journey.Call{Method: "GET", Path: path})
	counsel = staff(t, access.LegalCounsel)
	for _, o := range things {
		counsel.lift(holds[o[1]][0])
	}
	q.purge()
	if q.left() == "" {
		t.Fatal("an account was purged that one hold is left on")
	}
	counsel = staff(t, access.LegalCounsel)
	for _, o := range things {
		counsel.lift(holds[o[1]][1])
	}
	if again := p.clocks("DUE#purge-project", project); again != running {
		t.Errorf("the clock of the project was %q and is %q; want it to go on", running, again)
	}
	q.purge()
	if mark := q.left(); mark != "" {
		t.Errorf("every hold is lifted and %s is still there", mark)
	}
	p.logIn()
	p.must(204, journey.Call{Method: "DELETE", Path: path, IfMatch: p.etag(path)})
}

// TestAHoldEndsAndTheRequestGoesOn decides a request in part because of a hold, reminds of its review, and lifts it.
func TestAHoldEndsAndTheRequestGoesOn(t *testing.T) {
	p, officer, counsel := signUp(t), staff(t, access.PrivacyOfficer), staff(t, access.LegalCounsel)
	hold := counsel.hold("account", p.user, "")
	id := p.askFor(map[string]any{"type": "rectification", "description": "My name has two t."})
	p.settle()
	if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
		t.Fatal(err)
	}
	path := "/v1/admin/cases/" + id
	officer.must(200, journey.Call{Method: "POST", Path: path + "/decide", IfMatch: officer.etag(path), Body: map[string]any{"items": []map[string]any{
		{"name": "profile", "decision": "act"}, {"name": "letters", "decision": "retain", "ground": "legal_hold", "until": p.now().AddDate(1, 0, 0)}}}})
	officer.must(200, journey.Call{Method: "POST", Path: path + "/steps", IfMatch: officer.etag(path), Body: map[string]any{"item": "profile", "outcome": "done"}})
	if got := p.must(200, journey.Call{Method: "GET", Path: "/v1/dsr/" + id}).Text("state"); got != "partially_fulfilled" {
		t.Errorf("the person reads %s; want partially_fulfilled", got)
	}
	p.runLater("work-requests", 91*24*time.Hour)
	p.settle()
	counsel, officer = staff(t, access.LegalCounsel), staff(t, access.PrivacyOfficer)
	if got := counsel.must(200, journey.Call{Method: "GET", Path: "/v1/admin/holds/" + hold}).Text("review_overdue"); got != "true" {
		t.Errorf("review_overdue = %s after 91 days; want true", got)
	}
	review := "/v1/admin/holds/" + hold
	if got := counsel.must(200, journey.Call{Method: "POST", Path: review + "/review", IfMatch: counsel.etag(review)}).Text("review_overdue"); got != "false" {
		t.Errorf("review_overdue = %s after the review; want false", got)
	}
	counsel.lift(hold)
	if got := officer.must(200, journey.Call{Method: "GET", Path: path}).Text("state"); got != "executing" {
		t.Errorf("the hold is lifted and the request is %s; want executing", got)
	}
}

// TestTheClockOfABreach lets 72 hours pass: an alarm is raised, once a day, until the authority has been told.
func TestTheClockOfABreach(t *testing.T) {
	lead := staff(t, access.SecurityLead)
	path := "/v1/admin/breaches/" + lead.must(201, journey.Call{Method: "POST", Path: "/v1/admin/breaches", Body: map[string]any{"nature": "A backup was readable.",
		"risk": "high", "discovered_at": lead.now().Add(-time.Hour), "aware_at": lead.now()}}).Text("id")
	lead.must(200, journey.Call{Method: "POST", Path: path + "/notices", IfMatch: lead.etag(path), Body: map[string]any{"whom": "subjects", "at": lead.now()}})
	alarms := func() int {
		text, err := lead.Raw(t.Context(), "logs")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.SplitSeq(text, "breach_notice_due_authority") {
			if strings.Contains(line[:min(len(line), 300)], strings.TrimPrefix(path, "/v1/admin/breaches/")) {
				n++
			}
		}
		return n
	}
	lead.runLater("watch-deadlines", 49*time.Hour)
	lead.runLater("watch-deadlines", 25*time.Hour)
	if n := alarms(); n != 2 {
		t.Errorf("%d alarms in three days; want 2", n)
	}
	lead = staff(t, access.SecurityLead)
	lead.must(422, journey.Call{Method: "POST", Path: path + "/notices", IfMatch: lead.etag(path), Body: map[string]any{"whom": "authority", "at": lead.now()}})
	lead.must(200, journey.Call{Method: "POST", Path: path + "/notices", IfMatch: lead.etag(path), Body: map[string]any{"whom": "authority", "at": lead.now(), "reason": "The count took long."}})
	lead.runLater("watch-deadlines", 25*time.Hour)
	if n := alarms(); n != 2 {
		t.Errorf("%d alarms after the notice; want no more", n)
	}
}
