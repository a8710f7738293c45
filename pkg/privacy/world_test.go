package privacy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// person is a user's row of these tests: what an account area keeps.
type person struct {
	store.Meta
	User  id.User `dynamo:"user"`
	Name  string  `dynamo:"name"`
	Email string  `dynamo:"email"`
	Mail  string  `dynamo:"mail_hash"`
	Hash  string  `dynamo:"password_hash"`
	Land  string  `dynamo:"country"`
}

func (p *person) Type() string { return "PERSON" }
func (p *person) Keys() store.Keys {
	return store.Keys{Primary: store.UserScope(p.User).Key("PERSON")}
}

// belonging is a membership of these tests.
type belonging struct {
	store.Meta
	User   id.User         `dynamo:"user"`
	Org    id.Organization `dynamo:"org"`
	Member id.Member       `dynamo:"member"`
}

func (b *belonging) Type() string { return "BELONGING" }
func (b *belonging) Keys() store.Keys {
	return store.Keys{Primary: store.UserScope(b.User).Key("BELONGING", string(b.Org))}
}

// work is something in an organisation that was made by a member.
type work struct {
	store.Meta
	Org    id.Organization `dynamo:"org"`
	ID     string          `dynamo:"id"`
	Member id.Member       `dynamo:"member"`
	Text   string          `dynamo:"text"`
}

func (w *work) Type() string { return "WORKPIECE" }
func (w *work) Keys() store.Keys {
	s := store.OrganizationScope(w.Org)
	return store.Keys{Primary: s.KeyIn("WORKPIECE", "2026-03", w.ID), Index1: store.Key{PK: s.Partition("WORKPIECE", string(w.Member)), SK: w.ID}}
}

// marker is a mail lookup of these tests.
type marker struct {
	store.Meta
	User id.User `dynamo:"user"`
	hash string
}

func (m *marker) Type() string     { return "MARKER" }
func (m *marker) Keys() store.Keys { return store.Keys{Primary: store.MailLookup(m.hash)} }

func testRows() []registry.Row {
	inUser, inOrg := []registry.Scope{registry.InUser}, []registry.Scope{registry.InOrganization}
	return []registry.Row{
		{Sample: person{}, Type: "PERSON", Area: "test", Subject: registry.SubjectUser, Purpose: "account_management", Class: registry.ClassAccount,
			Export: "profile", Family: "PERSON", Scopes: inUser, Fields: []registry.Field{
				registry.Plain("user", "id"), registry.Personal("name", "name", "name", registry.EraseWithRow),
				registry.Personal("email", "email", "address", registry.EraseWithRow),
				registry.Leading(registry.Secret("mail_hash", "hash", registry.EraseWithRow), registry.LookupMail),
				registry.Secret("password_hash", "hash", registry.EraseWithRow), registry.Plain("country", "country")}},
		{Sample: belonging{}, Type: "BELONGING", Area: "test", Subject: registry.SubjectUser, Purpose: "collaboration", Class: registry.ClassAccount,
			Export: "memberships", Family: "BELONGING", Scopes: inUser, Fields: []registry.Field{
				registry.Plain("user", "id"), registry.Plain("org", "id"), registry.Plain("member", "id")}},
		{Sample: work{}, Type: "WORKPIECE", Area: "test", Subject: registry.SubjectMember, Purpose: "service_delivery", Class: registry.ClassProject,
			Export: "work", Family: "WORKPIECE", Scopes: inOrg, Division: registry.ByMonth, MemberIndex: registry.Index1, Fields: []registry.Field{
				registry.Plain("org", "id"), registry.Plain("id", "id"), registry.Plain("member", "id"),
				registry.Personal("text", "text", "what was done", registry.KeepController)}},
	}
}

// world is a table with people, buckets, and the area's jobs.
type world struct {
	*apitest.World
	packages, files, documents, incoming, vault *blobtest.Bucket
	engine                                      *erasure.Engine
	links                                       keys.Links
	pseudonyms                                  keys.Pseudonyms
	seals                                       *keystest.Vault
	m                                           datamap.Map
	log                                         *telemetry.Log
}

func newWorld(t *testing.T) *world {
	w := &world{World: apitest.New(t), packages: new(blobtest.Bucket), files: new(blobtest.Bucket), documents: new(blobtest.Bucket), incoming: new(blobtest.Bucket), vault: new(blobtest.Bucket),
		links: keys.Links{Secret: "links"}, pseudonyms: keys.Pseudonyms{Secret: "pseudonyms"}, seals: new(keystest.Vault)}
	w.m = datamap.Current()
	w.m.Rows = append(w.m.Rows, datamap.From(testRows()).Rows...)
	w.log = telemetry.New(w.Log, w.Clock.Now)
	w.engine = privacy.NewEngine(w.Store, []erasure.Objects{w.packages, w.files, w.incoming}, w.vault, keys.NewEnvelope(w.seals, w.Clock.Now), w.pseudonyms, w.Clock.Now)
	w.engine.Map = w.m
	return w
}

// somebody is a person with an account, a membership, work and a mail marker.
type somebody struct {
	apitest.Caller
	first, name, email string // a name that is long enough to stand in no key or ciphertext by chance
}

func (w *world) somebody(c apitest.Caller, first string) somebody {
	w.T.Helper()
	s := somebody{Caller: c, first: first, name: first + " Kanarienvogel", email: strings.ToLower(first) + "@example.com"}
	user := w.Store.BindUser(c.User, store.Actor{Who: string(c.User)})
	org := w.Store.BindOrganization(c.Org, store.Actor{Who: string(c.Member)})
	p := w.Store.BindPlatform(store.Actor{Who: "test"})
	tx := w.Store.Begin()
	tx.Create(user, &person{User: c.User, Name: s.name, Email: s.email, Mail: "hash-of-" + first, Hash: "argon2id$" + first, Land: "DE"})
	tx.Create(user, &belonging{User: c.User, Org: c.Org, Member: c.Member})
	tx.Create(org, &work{Org: c.Org, ID: "work-of-" + string(c.Member), Member: c.Member, Text: "=SUM(1) by " + string(c.Member)})
	tx.Create(p, &marker{User: c.User, hash: "hash-of-" + first})
	access.Enlist(tx, p, c.User)
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	return s
}

// run fires a job for its schedule at the clock's time.
func (w *world) run(j job.Job) error {
	w.T.Helper()
	return w.runAt(j, w.Clock.Now())
}

func (w *world) runAt(j job.Job, at time.Time) error {
	payload := fmt.Sprintf(`{"version":"0","id":"x","detail-type":"Scheduled Event","source":"aws.scheduler","time":%q,"detail":"{}"}`, at.Format(time.RFC3339))
	return j.Do(context.Background(), []byte(payload), w.Store, w.log, w.Clock.Now, "run")
}

func (w *world) event(j job.Job, kind string, key store.Key) error {
	detail, err := json.Marshal(map[string]string{"pk": key.PK, "sk": key.SK})
	if err != nil {
		w.T.Fatal(err)
	}
	payload := fmt.Sprintf(`{"version":"0","id":"x","detail-type":%q,"source":"pixeltrack","time":%q,"detail":%s}`, kind, w.Clock.Now().Format(time.RFC3339), detail)
	return j.Do(context.Background(), []byte(payload), w.Store, w.log, w.Clock.Now, "run")
}

func (w *world) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// mails marks every queued mail of a scope as sent, as the mail job does.
func (w *world) mails(s store.Scope) []string {
	w.T.Helper()
	user, _ := s.User()
	h := w.Store.BindUser(user, store.Actor{Who: "job:send-outbox"})
	rows, _, err := store.List[outbox.Mail](context.Background(), h, store.Query{Partition: s.Partition(outbox.Family), Limit: 100})
	w.must(err)
	var templates []string
	for _, m := range rows {
		templates = append(templates, m.Template)
		if m.State != outbox.Queued {
			continue
		}
		m.State, m.SentAt = outbox.Sent, w.Clock.Now().Unix()
		tx := w.Store.Begin()
		tx.Rewrite(h, m)
		tx.Disarm(h, outbox.DueFor(m), false)
		w.must(tx.Commit(context.Background()))
	}
	return templates
}

// dump is every row of the table as text.
func (w *world) dump() string {
	w.T.Helper()
	client := dynamodb.NewFromConfig(w.AWS)
	var all strings.Builder
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: aws.String(w.World.Table)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		w.must(err)
		for _, item := range page.Items {
			var row map[string]any
			w.must(attributevalue.UnmarshalMap(item, &row))
			fmt.Fprintln(&all, row)
		}
	}
	return all.String()
}

// dumpOfWork is dump without the heartbeats, which each run writes.
func (w *world) dumpOfWork() string {
	w.T.Helper()
	var all strings.Builder
	for line := range strings.Lines(w.dump()) {
		if !strings.Contains(line, "_type:HEARTBEAT") {
			all.WriteString(line)
		}
	}
	return all.String()
}

// keys lists the keys of a partition.
func (w *world) keys(partition string) []store.Key {
	w.T.Helper()
	out, err := dynamodb.NewFromConfig(w.AWS).Query(context.Background(), &dynamodb.QueryInput{TableName: aws.String(w.World.Table),
		KeyConditionExpression: aws.String("PK = :p"), ConsistentRead: aws.Bool(true),
		ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: partition}}})
	w.must(err)
	var keys []store.Key
	for _, item := range out.Items {
		var k struct{ PK, SK string }
		w.must(attributevalue.UnmarshalMap(item, &k))
		keys = append(keys, store.Key{PK: k.PK, SK: k.SK})
	}
	return keys
}

// version is the version of a row.
func (w *world) version(key store.Key) int64 {
	w.T.Helper()
	out, err := dynamodb.NewFromConfig(w.AWS).GetItem(context.Background(), &dynamodb.GetItemInput{TableName: aws.String(w.World.Table),
		Key: map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: key.PK}, "SK": &types.AttributeValueMemberS{Value: key.SK}}})
	w.must(err)
	var v struct {
		Version int64 `dynamodbav:"_v"`
	}
	w.must(attributevalue.UnmarshalMap(out.Item, &v))
	return v.Version
}

// login gives a caller a new session.
func (w *world) login(c apitest.Caller) apitest.Caller {
	w.T.Helper()
	h := w.Store.BindUser(c.User, store.Actor{Who: string(c.User)})
	h.SeeDue()
	gate, err := store.Get[access.UserGate](context.Background(), h, access.UserGateKey(c.User))
	w.must(err)
	c.Session = id.New[id.Session](w.Store.IDs())
	if gate.Sessions == nil {
		gate.Sessions = map[string]int64{}
	}
	gate.Sessions[string(c.Session)] = w.Clock.Now().AddDate(1, 0, 0).Unix()
	tx := w.Store.Begin()
	tx.Rewrite(h, gate)
	w.must(tx.Commit(context.Background()))
	c.Token = w.Token(c)
	return c
}

func (w *world) agreed(c apitest.Caller, purpose string) bool {
	w.T.Helper()
	ok, err := privacy.Agreed(context.Background(), w.Store.BindUser(c.User, store.Actor{Who: "test"}), purpose)
	w.must(err)
	return ok
}

func (w *world) analyticsOff(c apitest.Caller) bool { return !w.agreed(c, "analytics") }

// stored is where the objects of packages lie.
func (w *world) stored() privacy.Stored {
	return privacy.Stored{registry.FilesBucket: w.files, registry.DocumentsBucket: w.documents}
}

// ledger lists the erasures that are written down in the vault, beside which lies the book of holds.
func (w *world) ledger() []string {
	return slices.DeleteFunc(w.vault.Keys(), func(key string) bool {
		return !strings.HasPrefix(key, erasure.LedgerPrefix) || strings.HasPrefix(key, erasure.HoldsPrefix)
	})
}

// book is where legal holds are written down.
func (w *world) book() privacy.HoldBook {
	return privacy.HoldBook{Vault: w.vault, Seals: keys.NewEnvelope(w.seals, w.Clock.Now)}
}
