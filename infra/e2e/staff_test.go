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

func staffSteps() []step {
	own := func(operation, path string, role access.StaffRole) step {
		return step{operation: operation, status: 200, alone: true, prepare: func(p *caller) journey.Call {
			p.appoint(role)
			return journey.Call{Method: "GET", Path: path}
		}}
	}
	return []step{
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
