package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/catalog"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// matrix is the test of who may call what. It is made of the list of routes and of the steps that make each of them end
// well, and counts its cells: one is one call of one route by one kind of caller about one kind of object.
type matrix struct {
	t       *testing.T
	expired string // a token that no longer counts
	cells   *atomic.Int64
}

// TestTheMatrix calls every route that wants a caller as everybody who may not, and as everybody who may: without a token,
// with one that has expired, that was logged out, of a member who was removed, of one without the second factor that is
// wanted, with an API token without the scope, of each role, fresh and given before the role was lowered; about the organization's own
// objects, another's, and some that never were. The small size takes one role of six for each route, in turn.
func TestTheMatrix(t *testing.T) {
	routes := map[string]api.Operation{}
	for _, op := range catalog.Routes() {
		if op.Audience != api.Public {
			routes[op.ID] = op
		}
	}
	tried := map[string]bool{}
	var own []step
	for _, s := range steps() {
		if _, ok := routes[s.operation]; ok && !tried[s.operation] {
			tried[s.operation] = true
			own = append(own, s)
		}
	}
	for operation := range routes {
		if !tried[operation] {
			t.Errorf("no step calls %s", operation)
		}
	}
	expired := signUp(t).token
	pass(16 * time.Minute)
	var cells atomic.Int64
	eachStep(t, own, func(t *testing.T, i int, s step) {
		m, op := &matrix{t: t, expired: expired, cells: &cells}, routes[s.operation]
		p := m.strangers(s, op)
		if op.Audience == api.Staff {
			m.staff(s, op)
			return
		}
		if s.alone {
			p = signUp(t)
		} else {
			p.logIn()
		}
		m.foreign(s, p)
		if op.Audience == api.Members {
			m.roles(s, op, i)
		}
	})
	t.Logf("%d cells of %d routes", cells.Load(), len(tried))
}

// ready gives somebody with what a step needs, and its call.
func (m *matrix) ready(s step) (*caller, journey.Call) {
	m.t.Helper()
	p := signUp(m.t)
	return p, s.prepare(p)
}

// expect makes a call with a token and compares status and code.
func (m *matrix) expect(who string, p *caller, c journey.Call, token string, status int, code string) journey.Answer {
	m.t.Helper()
	m.cells.Add(1)
	c.Token = token
	a := p.call(c)
	if a.Status != status || code != "" && a.Text("code") != code {
		m.t.Errorf("%s: %s %s = %d %s; want %d %s", who, c.Method, c.Path, a.Status, a.Text("code"), status, code)
	}
	return a
}

// strangers are refused whatever they ask for, before a row of the organization is read for them. It gives whose objects
// they asked for, who is logged out in the end.
func (m *matrix) strangers(s step, op api.Operation) *caller {
	m.t.Helper()
	p, c := m.ready(s)
	for who, token := range map[string]string{"nobody": "none", "a token that has expired": m.expired} {
		a := m.expect(who, p, c, token, 401, "")
		made := slices.DeleteFunc(cloud.Recorder.OfRequest(request(a)), func(c calls.Call) bool {
			return slices.Equal(c.Families, []string{"PLATFORM#KEYRING"}) // the keys that tokens are judged by are read again at times
		})
		if len(made) != 0 {
			m.t.Errorf("%s: %d calls of the store; want none but of the keys: %v", who, len(made), describe(request(a)))
		}
	}
	if op.Audience == api.Members {
		p.change(map[string]any{"removed": p.now().Unix()})
		m.expect("a member who was removed", p, c, p.token, 401, "membership_ended")
		p.remove(p.accessKey(), "removed")
		m.unproven(p, c, op)
	}
	if s.moves {
		p.logIn() // making a token takes a fresh proof
	}
	if op.TakesTokens() {
		other := access.OrganizationRead
		if op.Permission == other {
			other = access.ClientsRead
		}
		_, token := p.newAPIToken(string(other))
		m.expect("an API token without the scope", p, c, token, 403, "permission_denied")
	} else if op.Audience != api.Staff && op.ID != "reopen-organization" { // in an organization that is closing nobody makes a token
		_, token := p.newAPIToken(string(access.OrganizationRead))
		m.expect("an API token where none is taken", p, c, token, 403, "token_not_allowed")
	}
	p.must(204, journey.Call{Method: "POST", Path: "/v1/auth/logout"})
	m.expect("a token that was logged out", p, c, p.token, 401, "session_ended")
	return p
}

// unproven is a member without a second factor where the organization wants one: they have their rights alone.
func (m *matrix) unproven(p *caller, c journey.Call, op api.Operation) {
	m.t.Helper()
	key := access.OrganizationGateKey(id.Organization(p.organization))
	gate := p.row(key)
	gate["require_second_factor"] = true
	p.put(key, "ORGGATE", gate)
	if !op.Rights {
		m.expect("a member without the second factor that is wanted", p, c, p.token, 403, "second_factor_required")
	}
	delete(gate, "require_second_factor")
	p.put(key, "ORGGATE", gate)
}

var anyID = regexp.MustCompile(`\b([a-z]{3})_[0-9A-HJKMNP-TV-Z]{26}\b`)

// unknown gives the call with every id in it changed for one that never was.
func unknown(t testing.TB, c journey.Call) (journey.Call, bool) {
	t.Helper()
	source := id.NewSource(cloud.Clock.Now)
	fresh := map[string]string{}
	change := func(text string) string {
		return anyID.ReplaceAllStringFunc(text, func(old string) string {
			if fresh[old] == "" {
				fresh[old] = old[:4] + strings.SplitN(string(id.New[id.User](source)), "_", 2)[1]
			}
			return fresh[old]
		})
	}
	c.Path = change(c.Path)
	if c.Body != nil {
		text, err := json.Marshal(c.Body)
		if err != nil {
			t.Fatal(err)
		}
		c.Body = json.RawMessage(change(string(text)))
	}
	return c, len(fresh) > 0
}

// foreign objects look missing to somebody else: the answer, the calls of the store and their units are those for an id
// that never was.
func (m *matrix) foreign(s step, p *caller) {
	m.t.Helper()
	q, theirs := m.ready(s)
	if s.moves {
		p.logIn()
	}
	theirs.Body = with(m.t, theirs.Body, q.person.Password, p.person.Password)
	never, ok := unknown(m.t, theirs)
	if !ok {
		return
	}
	theirs.Key, never.Key = "", ""
	m.refused("an object that never was", p, never) // what is counted of refusals is then there for both
	a := m.refused("another organization's object", p, theirs)
	b := m.refused("an object that never was", p, never)
	if strings.Contains(theirs.Path, "_") && a.Status != 404 {
		m.t.Errorf("another organization's object: %d; want 404: %s", a.Status, a.Body)
	}
	if a.Status != b.Status || !bytes.Equal(nameless(a.Body), nameless(b.Body)) {
		m.t.Errorf("another organization's object: %d %s\nan object that never was: %d %s", a.Status, a.Body, b.Status, b.Body)
	}
	if x, y := costOf(cloud.Recorder.OfRequest(request(a))), costOf(cloud.Recorder.OfRequest(request(b))); x.Calls != y.Calls || x.Read != y.Read || x.Write != y.Write {
		m.t.Errorf("another organization's object costs %+v, one that never was %+v", x, y)
	}
}

// with gives a body with one text in the place of another.
func with(t testing.TB, body any, old, now string) any {
	t.Helper()
	if body == nil {
		return nil
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return json.RawMessage(strings.ReplaceAll(string(text), old, now))
}

func (m *matrix) refused(about string, p *caller, c journey.Call) journey.Answer {
	m.t.Helper()
	m.cells.Add(1)
	c.Token = p.token
	a := p.call(c)
	if a.Status < 400 || a.Status >= 500 {
		m.t.Errorf("%s: %s %s = %d; want a refusal: %s", about, c.Method, c.Path, a.Status, a.Body)
	}
	return a
}

// nameless takes the ids out of a problem: its request's, and those it was asked about.
func nameless(body []byte) []byte {
	var p map[string]any
	if json.Unmarshal(body, &p) != nil {
		return body
	}
	delete(p, "request_id")
	delete(p, "instance")
	text, err := json.Marshal(p)
	if err != nil {
		return body
	}
	return anyID.ReplaceAll(text, []byte("id"))
}

// roles acts as each role, with the owner's token of before and with a fresh one.
func (m *matrix) roles(s step, op api.Operation, turn int) {
	m.t.Helper()
	all := access.Roles()
	var p *caller
	for n, role := range all {
		if !size.Full() && n != turn%len(all) {
			continue
		}
		for _, fresh := range []bool{false, true} {
			if p == nil || s.alone || s.moves {
				p = signUp(m.t)
			}
			c := s.prepare(p)
			p.change(map[string]any{"role": string(role)})
			who := string(role)
			if fresh {
				p.renew()
			} else {
				who += " with the token of an owner"
			}
			switch {
			case op.Permission == "": // any member; what the act itself refuses an owner is another test's
				m.admitted(who, p, c)
			case access.Allows(role, nil, op.Permission):
				m.expect(who, p, c, p.token, s.status, "")
			default:
				m.expect(who, p, c, p.token, 403, "permission_denied")
				if never, ok := unknown(m.t, c); ok {
					never.Key = ""
					m.expect(who+", about an object that never was", p, never, p.token, 403, "permission_denied")
				}
			}
			if s.alone || s.moves {
				continue
			}
			p.change(map[string]any{"role": string(access.Owner)})
			p.renew()
			if s.cleanup != nil {
				s.cleanup(p)
			}
		}
	}
}

// staff acts as each role of staff, and as the owner of an organization, who is none of them.
func (m *matrix) staff(s step, op api.Operation) {
	m.t.Helper()
	p, c := m.ready(s)
	var admitted []access.StaffRole
	for _, role := range access.StaffRoles() {
		if op.Permission == "" || slices.Contains(access.StaffPermissions(role), op.Permission) {
			admitted = append(admitted, role)
			continue
		}
		p.appoint(role)
		m.expect(string(role), p, c, p.token, 403, "permission_denied")
	}
	q := bystander(m.t)
	m.expect("the owner of an organization", q, c, q.token, 403, "staff_required")
	for n, role := range admitted {
		if n > 0 {
			p, c = m.ready(s)
		}
		p.appoint(role)
		if never, ok := unknown(m.t, c); ok {
			never.Key = ""
			a := m.refused(string(role)+", about an object that never was", p, never)
			if strings.Contains(never.Path, "_") && a.Status != 404 && a.Text("code") != "support_access_required" { // an organization that is closed to staff looks the same
				m.t.Errorf("an object that never was: %d; want 404: %s", a.Status, a.Body)
			}
		}
		m.expect(string(role), p, c, p.token, s.status, "")
	}
}

// renew gets fresh tokens for the organization that the session works in.
func (c *caller) renew() {
	c.t.Helper()
	a := c.must(200, journey.Call{Method: "POST", Path: "/v1/auth/refresh", Token: "none", Body: map[string]any{"refresh_token": c.refresh}})
	c.token, c.refresh = a.Text("access_token"), a.Text("refresh_token")
}

// admitted makes a call that is not refused for who makes it.
func (m *matrix) admitted(who string, p *caller, c journey.Call) {
	m.t.Helper()
	m.cells.Add(1)
	c.Token = p.token
	if a := p.call(c); a.Status == 401 || a.Status == 403 || a.Status >= 500 {
		m.t.Errorf("%s: %s %s = %d %s; want it admitted", who, c.Method, c.Path, a.Status, a.Body)
	}
}

// claim reads a claim of the access token.
func (c *caller) claim(name string) string {
	c.t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(c.token, ".")[1])
	if err != nil {
		c.t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		c.t.Fatal(err)
	}
	return fmt.Sprint(claims[name])
}

// change changes the person's membership past the product.
func (c *caller) change(fields map[string]any) {
	c.t.Helper()
	k := c.accessKey()
	row := c.row(k)
	if len(row) == 0 || row["user"] == nil {
		return // the call ended the membership
	}
	expression, names, values := "SET #v = :v, #g = :g", map[string]string{"#v": "_v", "#g": "grant_version"}, map[string]types.AttributeValue{}
	more := func(name string) types.AttributeValue {
		n, err := strconv.ParseFloat(fmt.Sprint(row[name]), 64)
		if err != nil {
			c.t.Fatal(err)
		}
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n)+1, 10)}
	}
	values[":v"], values[":g"] = more("_v"), more("grant_version")
	for name, v := range fields {
		value, err := attributevalue.Marshal(v)
		if err != nil {
			c.t.Fatal(err)
		}
		expression += ", #" + name + " = :" + name
		names["#"+name], values[":"+name] = name, value
	}
	if _, err := cloud.Table.UpdateItem(c.t.Context(), &dynamodb.UpdateItemInput{TableName: &cloud.Cloud.Table.Name, Key: keyOf(k),
		UpdateExpression: aws.String(expression), ExpressionAttributeNames: names, ExpressionAttributeValues: values}); err != nil {
		c.t.Fatal(err)
	}
}

// accessKey is where the person's membership of their organization lies.
func (c *caller) accessKey() store.Key {
	c.t.Helper()
	return access.AccessKey(id.Organization(c.claim("org")), id.Member(c.claim("mbr")))
}
