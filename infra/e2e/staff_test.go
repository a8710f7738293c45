package e2e_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/secondfactor/totp"
)

// appoint makes the person one of PixelTrack's own people whose session was begun with both factors.
func (c *caller) appoint(role access.StaffRole) {
	c.t.Helper()
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

func staffSteps() []step {
	own := func(operation, path string, role access.StaffRole) step {
		return step{operation: operation, status: 200, alone: true, prepare: func(p *caller) journey.Call {
			p.appoint(role)
			return journey.Call{Method: "GET", Path: path}
		}}
	}
	// work makes the person an officer, and a call about a request of somebody else's that is to be decided.
	work := func(operation, verb string, body any, before ...journey.Call) step {
		return step{operation: operation, status: 200, alone: true, prepare: func(p *caller) journey.Call {
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
	return []step{
		own("list-cases", "/v1/admin/cases?limit=1", access.LegalCounsel),
		work("get-case", "", nil),
		work("assign-case", "/assign", nil),
		work("decide-case", "/decide", decision),
		work("deny-case", "/deny", map[string]any{"reason": "found_accurate", "explanation": "The bank confirmed it."}),
		work("extend-case", "/extend", map[string]any{"reason": "complexity", "explanation": "Three providers must be asked."}),
		work("report-case-step", "/steps", map[string]any{"item": "rectification", "outcome": "done"}, journey.Call{Method: "POST", Path: "/decide", Body: decision}),
		own("get-staff", "/v1/admin/me", access.SupportAgent),
		own("list-staff-roles", "/v1/admin/roles", access.SupportAgent),
		own("list-staff-audit", "/v1/admin/audit?limit=1", access.SecurityLead),
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
	p := signUp(t)
	id := p.askFor(map[string]any{"type": "rectification", "description": "My name has two t."})
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	p.settle()
	p.purge()
	if mark := p.left(); mark != "" {
		t.Errorf("the account was purged and %s is still there", mark)
	}
	officer := signUp(t)
	officer.appoint(access.PrivacyOfficer)
	a := officer.must(200, journey.Call{Method: "GET", Path: "/v1/admin/cases/" + id})
	if a.Text("state") != "denied" || a.Text("denial") != "account_deleted" || a.Text("description") != "" {
		t.Errorf("the request is %s", a.Body)
	}
	if n := count(officer, "/v1/admin/cases?state=denied&limit=200", id); n != 1 {
		t.Errorf("the request is listed %d times among the denied; want once", n)
	}
}
