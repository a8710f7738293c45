package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/policies"
	"pixeltrack.io/platform/pkg/store"
)

// unlist takes everybody whom other tests left off the list of all accounts, so that a round is about this test's people.
func unlist(t *testing.T) {
	t.Helper()
	for shard := range store.Shards {
		out, err := cloud.Table.Query(t.Context(), &dynamodb.QueryInput{TableName: &cloud.Cloud.Table.Name, KeyConditionExpression: aws.String("PK = :p"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: store.PlatformScope().Partition(access.FamilySubject, fmt.Sprint(shard))}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range out.Items {
			key := map[string]types.AttributeValue{"PK": row["PK"], "SK": row["SK"]}
			if _, err := cloud.Table.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &cloud.Cloud.Table.Name, Key: key}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// changes lets a change of the policy that the person was told of have taken effect, past the clock.
func (c *caller) changes(announcement string) {
	c.t.Helper()
	k := access.UserGateKey(id.User(c.user))
	gate := c.row(k)
	gate["changes"] = map[string]int64{announcement: c.now().Add(-time.Hour).Unix()}
	c.put(k, gate["_type"].(string), gate)
}

// wentOn says whether it is on record that the person used the service after a change.
func (c *caller) wentOn(announcement string) bool {
	c.t.Helper()
	return len(c.row(store.UserScope(id.User(c.user)).Key(notices.FamilyAck, announcement, notices.Used))) > 0
}

// TestPeopleAreToldBeforeAPolicyTakesEffect announces a version of the policy, a provider and a sale: everybody whom they
// concern has a notice and a mail, and once they have taken effect the product shows it, and records who went on.
func TestPeopleAreToldBeforeAPolicyTakesEffect(t *testing.T) {
	unlist(t)
	p, officer, counsel := signUp(t), staff(t, access.PrivacyOfficer), staff(t, access.LegalCounsel)

	body := officer.policy()
	body["material"] = true
	published := officer.must(201, journey.Call{Method: "POST", Path: "/v1/admin/policies", Body: body})
	officer.must(201, journey.Call{Method: "POST", Path: "/v1/admin/subprocessors", Body: officer.provider("told-to-owners")})
	sale := counsel.must(201, journey.Call{Method: "POST", Path: "/v1/admin/business-transfers", Body: counsel.sale()})
	change := published.Text("announcement_id")
	if err := p.RunJob(t.Context(), "SendNotices"); err != nil {
		t.Fatal(err)
	}
	p.settle()
	if told := string(p.must(200, journey.Call{Method: "GET", Path: "/v1/privacy/notices"}).Body); !strings.Contains(told, change) || !strings.Contains(told, sale.Text("announcement_id")) || !strings.Contains(told, "told-to-owners") {
		t.Errorf("the person was told of %s; want the policy, the provider and the sale", told)
	}
	if mails := p.mails("privacy policy changes"); len(mails) != 1 {
		t.Errorf("%d mails about the policy; want 1", len(mails))
	}

	path := fmt.Sprintf("/v1/privacy/policy/versions/%v", body["version"])
	if text := p.must(200, journey.Call{Method: "GET", Path: path}); !strings.Contains(string(text.Body), body["sha256"].(string)) {
		t.Errorf("%s = %s; want the version that was published", path, text.Body)
	}
	k := (&policies.Version{Number: body["version"].(int)}).Keys().Primary
	later, now := p.row(k), p.row(k)
	now["effective"], now["GSI1SK"] = p.now().Add(-time.Minute).Unix(), store.Join(store.Instant(p.now().Add(-time.Minute)), "000000")
	p.put(k, later["_type"].(string), now)
	current := p.call(journey.Call{Method: "GET", Path: "/v1/privacy/policy"})
	p.put(k, later["_type"].(string), later)
	if current.Status != 200 || !strings.Contains(string(current.Body), body["sha256"].(string)) {
		t.Errorf("the policy in effect = %d %s; want the version whose day has come", current.Status, current.Body)
	}

	counsel.arrived(sale.Text("id"), sale.Text("announcement_id"))
	of := "/v1/admin/business-transfers/" + sale.Text("id")
	counsel.must(200, journey.Call{Method: "POST", Path: of + "/start", IfMatch: counsel.etag(of)})
	if to := string(p.must(200, journey.Call{Method: "GET", Path: "/v1/privacy/disclosures"}).Body); !strings.Contains(to, "Example Holding") {
		t.Errorf("the data is disclosed to %s; want the buyer too", to)
	}
	p.askFor(map[string]any{"type": "access", "description": "Everything, please."})
	p.settle()
	if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
		t.Fatal(err)
	}
	p.settle()

	p.changes(change)
	p.logIn()
	if !p.wentOn(change) {
		t.Error("the first login after the change is not on record")
	}
	for name, use := range map[string]func(q *caller){
		"refresh": func(q *caller) {
			q.logIn()
			q.changes(change)
			q.must(200, journey.Call{Method: "POST", Path: "/v1/auth/refresh", Body: map[string]any{"refresh_token": q.refresh}})
		},
		"second factor": func(q *caller) {
			body := map[string]any{"recovery_code": q.enrol().recovery(), "challenge": q.challenge()}
			q.changes(change)
			q.must(200, journey.Call{Method: "POST", Path: "/v1/auth/login/second-factor", Body: body})
		},
		"passkey": func(q *caller) {
			d, _ := q.addPasskey()
			body := q.signed(d, q.challenge())
			q.changes(change)
			q.must(200, journey.Call{Method: "POST", Path: "/v1/auth/passkeys/login", Body: body})
		},
	} {
		q := signUp(t)
		if use(q); !q.wentOn(change) {
			t.Errorf("that somebody went on by %s is not on record", name)
		}
	}

	for _, a := range []string{change, sale.Text("announcement_id")} { // nobody is told of them any more
		k := notices.Key(id.Announcement(a))
		row := p.row(k)
		row["withdrawn"] = p.now().Unix()
		p.put(k, row["_type"].(string), row)
	}
	officer.must(200, journey.Call{Method: "POST", Path: "/v1/admin/subprocessors/told-to-owners/end", IfMatch: "*"})
	if gone := p.row(access.UserGateKey(id.User(p.user)))["changes"]; gone != nil && len(gone.(map[string]any)) > 0 {
		t.Errorf("the gate still waits for %v", gone)
	}
}
