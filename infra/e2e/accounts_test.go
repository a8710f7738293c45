package e2e_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/crypto/argon2"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// row reads a row past the product.
func (c *caller) row(k store.Key) map[string]any {
	c.t.Helper()
	out, err := cloud.Table.GetItem(c.t.Context(), &dynamodb.GetItemInput{TableName: &cloud.Cloud.Table.Name, Key: keyOf(k), ConsistentRead: aws.Bool(true)})
	if err != nil {
		c.t.Fatal(err)
	}
	var row map[string]any
	if err := attributevalue.UnmarshalMap(out.Item, &row); err != nil {
		c.t.Fatal(err)
	}
	return row
}

// put writes a row past the product.
func (c *caller) put(k store.Key, rowType string, fields map[string]any) {
	c.t.Helper()
	row := map[string]any{"PK": k.PK, "SK": k.SK, "_type": rowType, "_v": 1}
	for name, v := range fields {
		row[name] = v
	}
	item, err := attributevalue.MarshalMap(row)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := cloud.Table.PutItem(c.t.Context(), &dynamodb.PutItemInput{TableName: &cloud.Cloud.Table.Name, Item: item}); err != nil {
		c.t.Fatal(err)
	}
}

// remove takes a field off a row, past the product.
func (c *caller) remove(k store.Key, field string) {
	c.t.Helper()
	if _, err := cloud.Table.UpdateItem(c.t.Context(), &dynamodb.UpdateItemInput{TableName: &cloud.Cloud.Table.Name, Key: keyOf(k),
		UpdateExpression: aws.String("REMOVE #f"), ExpressionAttributeNames: map[string]string{"#f": field}}); err != nil {
		c.t.Fatal(err)
	}
}

func keyOf(k store.Key) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: k.PK}, "SK": &types.AttributeValueMemberS{Value: k.SK}}
}

// TestAnOldHashIsMadeAgain logs in with a password whose hash was made with weaker parameters.
func TestAnOldHashIsMadeAgain(t *testing.T) {
	p := signUp(t)
	k := account.CredentialKey(id.User(p.user))
	salt := []byte("a salt of a test")
	sum := argon2.IDKey([]byte(p.person.Password), salt, 1, 1024, 1, 32)
	weak := fmt.Sprintf("$argon2id$v=19$m=1024,t=1,p=1$%s$%s", base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
	p.put(k, "CREDENTIAL", map[string]any{"user": p.user, "since": 1, "password_hash": weak})
	p.logIn()
	strong, _ := p.row(k)["password_hash"].(string)
	if strong == weak || strong == "" {
		t.Error("the hash is still the old one after a login")
	}
	p.logIn()
}

// TestTheFiftyFirstLogInEndsTheOldest fills a gate with sessions.
func TestTheFiftyFirstLogInEndsTheOldest(t *testing.T) {
	p := signUp(t)
	k := access.UserGateKey(id.User(p.user))
	row := p.row(k)
	sessions, _ := row["sessions"].(map[string]any)
	source := id.NewSource(cloud.Clock.Now)
	for i := len(sessions); i < access.MaxSessions; i++ {
		sessions[string(id.New[id.Session](source))] = cloud.Clock.Now().AddDate(2, 0, i).Unix()
	}
	p.put(k, "USERGATE", map[string]any{"user": p.user, "sessions": sessions})
	first := *p
	p.logIn()
	if a := first.call(journey.Call{Method: "GET", Path: "/v1/me"}); a.Status != 401 {
		t.Errorf("the oldest session = %d; want 401: %s", a.Status, a.Body)
	}
	p.must(200, journey.Call{Method: "GET", Path: "/v1/me"})
}

// TestAnOwnerHandsOver deletes an account whose organization goes on with another owner.
func TestAnOwnerHandsOver(t *testing.T) {
	p, heir := signUp(t), signUp(t)
	member := id.New[id.Member](id.NewSource(cloud.Clock.Now))
	org := id.Organization(p.organization)
	p.put(access.AccessKey(org, member), "ACCESS", map[string]any{"org": org, "member": member, "user": heir.user, "role": access.Contributor, "grant_version": 1, "joined": 1})
	p.put(account.MembershipKey(id.User(heir.user), org), "MEMBERSHIP", map[string]any{"user": heir.user, "org": org, "member": member, "joined": 1})

	into := journey.Call{Method: "POST", Path: "/v1/auth/organization", Body: map[string]any{"organization_id": p.organization}}
	own := heir.token
	atOnce(20, func(int) {
		if a := heir.call(into); a.Status != 200 {
			t.Errorf("a switch among many = %d: %s", a.Status, a.Body)
		}
	})
	heir.token = heir.must(200, into).Text("access_token")
	rename := func() journey.Call {
		return journey.Call{Method: "PATCH", Path: "/v1/org", IfMatch: "*", Body: map[string]any{"name": "Studio " + unique()}}
	}
	heir.must(403, rename())
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: map[string]any{"password": p.person.Password,
		"organizations": []map[string]any{{"organization_id": p.organization, "action": "transfer", "to_member": member}}}})
	p.must(401, journey.Call{Method: "GET", Path: "/v1/me"})
	heir.must(200, rename())
	heir.token = own
	heir.must(200, journey.Call{Method: "GET", Path: "/v1/org"})
}

// TestGuessesAreCounted guesses at each place that a password is asked for, until no guess is let through.
func TestGuessesAreCounted(t *testing.T) {
	p := signUp(t)
	const guess = "not the password of anybody"
	guesses := func(want int, c journey.Call) {
		t.Helper()
		for range 10 {
			p.must(want, c)
		}
		if a := p.must(429, c); a.Header.Get("Retry-After") == "" {
			t.Errorf("%s %s = 429 without Retry-After", c.Method, c.Path)
		}
	}
	from := map[string]string{"X-Local-Viewer": "198.51.100.7"}
	guesses(401, journey.Call{Method: "POST", Path: "/v1/auth/login", Headers: from, Body: map[string]any{"email": p.person.Email, "password": guess}})
	p.logIn()
	deletion := p.deletion()
	deletion["password"] = guess
	guesses(403, journey.Call{Method: "DELETE", Path: "/v1/me", Headers: from, Body: deletion})
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	guesses(401, journey.Call{Method: "POST", Path: "/v1/auth/restore", Headers: from, Body: map[string]any{"token": p.mailToken("delet"), "password": guess}})
}

// TestAKeyChangesNothingAboutSessions sends an Idempotency-Key where repeats need none.
func TestAKeyChangesNothingAboutSessions(t *testing.T) {
	p := signUp(t)
	p.must(200, journey.Call{Method: "POST", Path: "/v1/auth/organization", Key: "a key", Body: map[string]any{"organization_id": p.organization}})
	p.must(204, journey.Call{Method: "POST", Path: "/v1/auth/logout", Key: "a key"})
}

// TestMembersAreToldThatTheirOrganizationCloses closes an organization that somebody else is a member of.
func TestMembersAreToldThatTheirOrganizationCloses(t *testing.T) {
	p, member := signUp(t), signUp(t)
	org, who := id.Organization(p.organization), id.New[id.Member](id.NewSource(cloud.Clock.Now))
	p.put(access.AccessKey(org, who), "ACCESS", map[string]any{"org": org, "member": who, "user": member.user, "role": access.Contributor, "grant_version": 1, "joined": 1})
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	cloud.Move(func(c *simclock.Clock) { c.Advance(2 * time.Minute) })
	if err := p.RunJob(t.Context(), "CloseOrganizations"); err != nil {
		t.Fatal(err)
	}
	member.settle()
	mails, err := member.Mails(t.Context(), member.person.Email)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(mails, func(m journey.Mail) bool { return strings.Contains(m.Subject, "closing") }) {
		t.Errorf("the member got %d mails, none of them about the closing", len(mails))
	}
}
