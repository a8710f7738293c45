package privacy_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/crypto/argon2"

	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/store"
)

// TestConflictingActsEndLawfully plays acts that conflict on one account, holds, restrictions, deletions, restorations,
// requests of every effect, new data, and all jobs, in an order that a seed decides, with lost events, writers that are
// late and buckets that fail. After each act the rows are held against a reference of a few rules: a hold wins over
// deletion, nothing goes before its time or without its ledger, nothing comes back, and no request reads as done before
// it is. In the end everything that was owed has happened, and nothing else.
func TestConflictingActsEndLawfully(t *testing.T) {
	for seed := range size.Of(50, 1000) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			c := newConflict(t, uint64(seed))
			for range 12 + c.rng.IntN(12) {
				c.play(c.acts())
			}
			c.end()
		})
	}
}

// TestADeletionUnderAHoldStartsNoClock deletes, restores and deletes a held account: its clock starts when the hold ends, and
// none is left behind.
func TestADeletionUnderAHoldStartsNoClock(t *testing.T) {
	c := newConflict(t, 0)
	c.did = []string{""}
	c.hold()
	c.delete()
	if text := lines(c.dump(), "purge-account"); text != "" {
		t.Errorf("a held account has a clock: %s", text)
	}
	c.restore()
	c.logIn()
	c.Clock.Advance(time.Hour)
	c.delete()
	c.lift()
	if due, wake := c.armed(retention.AccountDue(c.ada.User, c.deleted.Add(retention.Account))); !due || !wake || strings.Count(c.dump(), "_type:DUE") != strings.Count(c.dump(), "kind:outbox")+1 {
		t.Errorf("after the hold: due row %v, wake row %v; want the one clock of the second deletion:\n%s", due, wake, lines(c.dump(), "_type:DUE"))
	}
}

const phrase = "a phrase nobody else uses"

// conflict is an account, whoever acts on it, and what the reference knows of it.
type conflict struct {
	*world
	rng              *rand.Rand
	ada              apitest.Caller
	counsel, officer desk
	did              []string // the acts so far, to be told when something is wrong
	signedIn         bool

	// The reference.
	holds      []id.Hold
	restricted time.Time // when the person last asked for it; the zero time when not, or when it was lifted
	deleted    time.Time // the zero time while the account is not
	fallen     bool      // an erasure has closed the account for good
	gone       bool
	wishes     map[string]*wish
	expired    []store.Key // wake rows that TTL has deleted, and whose records have not come yet
	late       []unwritten
}

// wish is a request as the reference sees it.
type wish struct {
	kind   request.Kind
	filed  time.Time
	due    time.Time
	atOnce bool
	state  request.State
}

// unwritten is a write of somebody whose call was admitted, and who may write until a time.
type unwritten struct {
	until time.Time
	write func() error
}

func newConflict(t *testing.T, seed uint64) *conflict {
	w := newWorld(t)
	c := &conflict{world: w, rng: rand.New(rand.NewPCG(seed, 2)), wishes: map[string]*wish{}}
	c.ada, c.signedIn = w.Member(w.Organization().Org, access.Contributor), true
	c.counsel, c.officer = w.desk(access.LegalCounsel), w.desk(access.PrivacyOfficer)
	h := w.Store.BindUser(c.ada.User, store.Actor{Who: string(c.ada.User)})
	salt := []byte("conflict")
	sum := base64.RawStdEncoding.EncodeToString(argon2.IDKey([]byte(phrase), salt, 1, 8, 1, 32))
	now := w.Clock.Now().Unix()
	tx := w.Store.Begin()
	tx.Create(h, &account.Profile{User: c.ada.User, Name: adaName, Email: adaMail, MailHash: "hash", Country: "DE", Locale: "en", TimeZone: "UTC", WeekStart: "monday", AgePassed: true, Created: now})
	tx.Create(h, &account.Credential{User: c.ada.User, PasswordHash: "$argon2id$v=19$m=8,t=1,p=1$" + base64.RawStdEncoding.EncodeToString(salt) + "$" + sum, Since: now})
	tx.Create(h, &account.Membership{User: c.ada.User, Organization: c.ada.Org, Member: c.ada.Member, Joined: now})
	tx.Create(w.Store.BindPlatform(store.Actor{Who: "test"}), &account.Address{User: c.ada.User, Hash: "hash"})
	tx.Create(w.Store.BindOrganization(c.ada.Org, store.Actor{Who: string(c.ada.Member)}), &work{Org: c.ada.Org, ID: "w1", Member: c.ada.Member, Text: "what was done"})
	w.must(tx.Commit(t.Context()))
	return c
}

// Marks of the person.
const (
	adaName = "Ada Kanarienvogel"
	adaMail = "kanarienvogel@example.com"
)

// act is something that may happen. It says what came of it.
type act struct {
	weight int
	name   string
	do     func() string
}

func (c *conflict) acts() []act {
	return append(c.jobs(), []act{
		{6, "time passes", func() string { return c.pass(10*time.Second, 25*time.Second, 2*time.Minute, 31*time.Minute) }},
		{6, "days pass", func() string {
			return c.pass(7*time.Hour, 13*time.Hour, 25*time.Hour, 6*24*time.Hour, 15*24*time.Hour, 31*24*time.Hour)
		}},
		{4, "hold", c.hold},
		{4, "lift", c.lift},
		{4, "delete", c.delete},
		{3, "restore", c.restore},
		{3, "log in", c.logIn},
		{4, "ask for erasure", func() string { return c.ask(request.Erasure, c.rng.IntN(3) > 0) }},
		{2, "ask for access", func() string { return c.ask(request.Access, false) }},
		{2, "restrict", func() string { return c.ask(request.Restriction, false) }},
		{2, "lift the restriction", func() string { return c.ask(request.RestrictionLift, false) }},
		{1, "opt out", func() string { return c.ask(request.OptOut, false) }},
		{2, "withdraw a request", c.withdraw},
		{2, "verify a request", c.verify},
		{1, "deny a request", c.deny},
		{3, "new data", c.newData},
		{2, "begin to write", c.beginWriting},
	}...)
}

// jobs are what the product does by itself.
func (c *conflict) jobs() []act {
	return []act{
		{6, "work requests", func() string { return c.job(func() error { return c.run(privacy.WorkRequests(c.engine)) }) }},
		{6, "sweep", func() string { return c.job(func() error { return c.run(privacy.SweepRetention(c.engine)) }) }},
		{2, "a late sweep", func() string {
			return c.job(func() error { return c.runAt(privacy.SweepRetention(c.engine), c.Clock.Now().Add(-26*time.Hour)) })
		}},
		{2, "an event of a request", c.requestEvent},
		{3, "TTL", c.ttl},
		{3, "records of TTL", c.records},
		{3, "mails leave", c.mailsLeave},
		{3, "packages are built", func() string { return c.packagesBuilt(nil) }},
		{1, "packages are built slowly", func() string { return c.packagesBuilt(c.meanwhile) }},
	}
}

// play lets one of several acts happen, and what is late; then it looks whether all is as the reference says.
func (c *conflict) play(acts []act) {
	c.T.Helper()
	total := 0
	for _, a := range acts {
		total += a.weight
	}
	c.Clock.Advance(time.Second) // no two acts are at one time
	n := c.rng.IntN(total)
	for _, a := range acts {
		if n -= a.weight; n < 0 {
			c.did = append(c.did, a.name)
			at := len(c.did) - 1
			c.did[at] += " " + a.do()
			break
		}
	}
	c.writeLate()
	c.check()
}

func (c *conflict) wrong(format string, args ...any) {
	c.T.Helper()
	c.T.Fatalf("%s\nafter: %s", fmt.Sprintf(format, args...), strings.Join(c.did, "; "))
}

func (c *conflict) pass(spans ...time.Duration) string {
	d := spans[c.rng.IntN(len(spans))]
	c.Clock.Advance(d)
	return d.String()
}

// want sees that an answer has one of the statuses that the reference expects.
func (c *conflict) want(a apitest.Answer, status int) string {
	c.T.Helper()
	if a.Status == 429 {
		return "429"
	}
	if a.Status != status {
		c.did[len(c.did)-1] += fmt.Sprint(" ", a.Status)
		c.wrong("%s = %d %s; want %d", c.did[len(c.did)-1], a.Status, a.Body, status)
	}
	return fmt.Sprint(a.Status)
}

// mayErase says whether the account may be erased now: nothing holds it, and it was deleted 30 days ago or its erasure is
// asked for and due. What the person has restricted is erased only if they asked for that later.
func (c *conflict) mayErase() bool {
	if len(c.holds) > 0 {
		return false
	}
	now := c.Clock.Now()
	if !c.deleted.IsZero() && !now.Before(c.deleted.Add(retention.Account)) && !c.deleted.Before(c.restricted) {
		return true
	}
	for _, w := range c.wishes {
		if w.kind == request.Erasure && w.state.Open() && w.state != request.IdentityPending && !w.filed.Before(c.restricted) &&
			(w.atOnce || !now.Before(w.due.Add(-24*time.Hour))) {
			return true
		}
	}
	return false
}

// alive says whether there is an account to sign in to.
func (c *conflict) alive() bool { return c.deleted.IsZero() && !c.fallen }

// admitted says whether the person's calls are let in.
func (c *conflict) admitted() bool { return c.alive() && c.signedIn }

func (c *conflict) hold() string {
	status := 201
	if c.fallen || len(c.holds) == 0 && !c.deleted.IsZero() && !c.Clock.Now().Before(c.deleted.Add(retention.Account)) {
		status = 404 // it is gone for every reader
	}
	a := c.Call(privacy.PlaceHold(c.Store, c.book()), c.Later(c.counsel.Caller, 0), apitest.Request{Body: heldAccount(c.ada)})
	said := c.want(a, status)
	if a.Status == 201 {
		var h privacy.HoldBody
		a.Into(c.T, &h)
		c.holds = append(c.holds, h.ID)
	}
	return said
}

func (c *conflict) lift() string {
	if len(c.holds) == 0 {
		return "none"
	}
	n := c.rng.IntN(len(c.holds))
	said := c.want(c.counsel.change(privacy.LiftHold(c.Store, c.book()), c.holds[n]), 200)
	c.holds = slices.Delete(c.holds, n, n+1)
	return said
}

func (c *conflict) delete() string {
	status := 202
	if !c.admitted() {
		status = 401
	}
	a := c.Call(account.DeleteAccount(c.Store, keys.Pseudonyms{Secret: "pseudonyms"}, c.links), c.Later(c.ada, 0), apitest.Request{Body: account.DeleteBody{Password: phrase}})
	said := c.want(a, status)
	if a.Status == 202 {
		c.deleted, c.signedIn = c.Clock.Now(), false
	}
	return said
}

func (c *conflict) restore() string {
	token := account.RestoreToken(c.links, c.ada.User, c.deleted.Unix())
	status := 404
	if !c.deleted.IsZero() && !c.fallen && c.Clock.Now().Before(c.deleted.Add(retention.Account)) {
		status = 200
	}
	a := c.Call(auth.RestoreAccount(&secondfactor.Judge{Store: c.Store, Pseudonyms: keys.Pseudonyms{Secret: "pseudonyms"}}), apitest.Caller{},
		apitest.Request{Body: map[string]any{"token": token, "password": phrase}})
	said := c.want(a, status)
	if a.Status == 200 {
		c.deleted = time.Time{}
	}
	return said
}

func (c *conflict) logIn() string {
	if !c.alive() {
		return "refused"
	}
	c.ada, c.signedIn = c.login(c.ada), true
	return ""
}

func (c *conflict) ask(kind request.Kind, atOnce bool) string {
	status := 201
	for _, w := range c.wishes {
		if w.kind == kind && w.state.Open() && (kind == request.Erasure || kind == request.Access) {
			status = 409
		}
	}
	if !c.admitted() {
		status = 401
	}
	body := map[string]any{"type": kind, "description": "a canary"}
	if atOnce {
		body["at_once"] = true
	}
	a := c.Call(privacy.CreateRequest(c.Store), c.Later(c.ada, 0), apitest.Request{Body: body})
	said := c.want(a, status)
	if a.Status != 201 {
		return said
	}
	var r privacy.RequestBody
	a.Into(c.T, &r)
	c.wishes[r.ID] = &wish{kind: kind, filed: c.Clock.Now(), due: r.DueAt, atOnce: atOnce, state: request.State(r.State)}
	if kind == request.Restriction {
		c.restricted = c.Clock.Now()
	}
	return r.State
}

// some gives one of the requests, by a chance that the seed decides.
func (c *conflict) some(which func(*wish) bool) (string, *wish) {
	var ids []string
	for _, i := range slices.Sorted(maps.Keys(c.wishes)) {
		if which(c.wishes[i]) {
			ids = append(ids, i)
		}
	}
	if len(ids) == 0 {
		return "", nil
	}
	i := ids[c.rng.IntN(len(ids))]
	return i, c.wishes[i]
}

func (c *conflict) withdraw() string {
	i, w := c.some(func(*wish) bool { return true })
	if w == nil {
		return "none"
	}
	status := 409
	switch {
	case !c.admitted():
		status = 401
	case w.state.Open() && w.state != request.Executing && w.kind != request.Restriction: // that took effect with the call
		status = 200
	}
	return string(w.kind) + " " + c.want(c.Call(privacy.WithdrawRequest(c.Store), c.Later(c.ada, 0), apitest.Request{Path: "/v1/dsr/" + i + "/withdraw"}), status)
}

func (c *conflict) verify() string {
	i, w := c.some(func(w *wish) bool { return w.state == request.IdentityPending })
	if w == nil || !c.alive() {
		return "none"
	}
	c.logIn()
	return string(w.kind) + " " + c.want(c.Call(privacy.VerifyRequest(c.Store), c.ada, apitest.Request{Path: "/v1/dsr/" + i + "/verify"}), 200)
}

func (c *conflict) deny() string {
	i, w := c.some(func(w *wish) bool { return w.state.Open() })
	if w == nil {
		return "none"
	}
	status := 409
	if w.state == request.Verified || w.state == request.InReview {
		status = 200
	}
	return string(w.kind) + " " + c.want(c.officer.act(privacy.DenyCase(c.Store), i, refusal()), status)
}

func (c *conflict) newData() string {
	if c.rng.IntN(2) == 0 {
		status := 200
		if !c.restricted.IsZero() {
			status = 403
		}
		if !c.admitted() {
			status = 401
		}
		return c.want(c.Call(account.UpdateAccount(c.Store), c.Later(c.ada, 0), apitest.Request{IfMatch: "*", Body: map[string]any{"job_title": "Bird of " + adaName}}), status)
	}
	a := c.Call(privacy.CreateConsent(c.Store), c.Later(c.ada, 0), apitest.Request{Body: give([]string{"given", "refused"}[c.rng.IntN(2)], purpose.Analytics)})
	if !c.admitted() {
		return c.want(a, 401)
	}
	return fmt.Sprint(a.Status)
}

// beginWriting is somebody whose call was admitted and who writes at the last moment that a function has.
func (c *conflict) beginWriting() string {
	if !c.admitted() {
		return "refused"
	}
	user := c.ada.User
	c.late = append(c.late, unwritten{c.Clock.Now().Add(30 * time.Second), func() error {
		tx := c.Store.Begin()
		tx.Put(c.Store.BindUser(user, store.Actor{Who: string(user)}), &person{User: user, Name: adaName, Email: adaMail})
		return tx.Commit(c.T.Context())
	}})
	return ""
}

// writeLate has those write who are late, and forgets those whom their deadline has ended.
func (c *conflict) writeLate() {
	c.late = slices.DeleteFunc(c.late, func(u unwritten) bool {
		if c.Clock.Now().After(u.until) {
			return true
		}
		if c.rng.IntN(2) == 0 {
			return false
		}
		c.must(u.write())
		c.did = append(c.did, "a late writer writes")
		return true
	})
}

// job runs a job, at times with a bucket that fails.
func (c *conflict) job(run func() error) string {
	switch c.rng.IntN(12) {
	case 0:
		c.vault.Fail(errKilled)
		defer c.vault.Fail(nil)
	case 1:
		objects := c.engine.Objects
		c.engine.Objects = []erasure.Objects{&dying{c.world}}
		defer func() { c.engine.Objects = objects }()
	default:
		c.must(run())
		return ""
	}
	if run() != nil {
		return "in vain"
	}
	return ""
}

func (c *conflict) requestEvent() string {
	i, w := c.some(func(*wish) bool { return true })
	if w == nil {
		return "none"
	}
	return string(w.kind) + c.job(func() error {
		return c.event(privacy.WorkRequests(c.engine), privacy.EventRequestReceived, store.UserScope(c.ada.User).Key(privacy.FamilyRequest, i))
	})
}

// ttl deletes what has expired.
func (c *conflict) ttl() string {
	n := 0
	client := dynamodb.NewFromConfig(c.AWS)
	for _, r := range c.rows() {
		end, ok := r["expires_at"].(float64)
		if !ok || int64(end) > c.Clock.Now().Unix() {
			continue
		}
		pk, sk := r["PK"].(string), r["SK"].(string)
		_, err := client.DeleteItem(context.Background(), &dynamodb.DeleteItemInput{TableName: aws.String(c.World.Table),
			Key: map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: pk}, "SK": &types.AttributeValueMemberS{Value: sk}}})
		c.must(err)
		n++
		if r["_type"] == "WAKE" && c.rng.IntN(4) > 0 { // the record of the fourth is lost
			c.expired = append(c.expired, store.Key{PK: pk, SK: sk})
		}
	}
	return fmt.Sprint(n)
}

// records hands the records of deleted wake rows to their job.
func (c *conflict) records() string {
	if len(c.expired) == 0 {
		return "none"
	}
	var records []string
	for _, k := range c.expired {
		records = append(records, fmt.Sprintf(`{"eventID":"1","eventName":"REMOVE","userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},"dynamodb":{"Keys":{"PK":{"S":%q},"SK":{"S":%q}}}}`, k.PK, k.SK))
	}
	if c.rng.IntN(2) == 0 { // else they come once more
		c.expired = nil
	}
	return c.job(func() error {
		payload := `{"Records":[` + strings.Join(records, ",") + `]}`
		return privacy.CascadeExpired(c.engine).Do(context.Background(), []byte(payload), c.Store, c.log, c.Clock.Now, "run")
	})
}

// mailsLeave does what the job does that sends mails: it forgets those, too, that went before they were sent.
func (c *conflict) mailsLeave() string {
	sent := c.mails(store.UserScope(c.ada.User))
	p := c.Store.BindPlatform(store.Actor{Who: "job:send-outbox"})
	for d, err := range store.AllDue(c.T.Context(), p, outbox.Due, c.Clock.Now()) {
		c.must(err)
		c.must(store.Forget(c.T.Context(), p, d))
	}
	return fmt.Sprint(len(sent))
}

// meanwhile lets less time pass than a builder has, and jobs run.
func (c *conflict) meanwhile() {
	for range 1 + c.rng.IntN(5) {
		c.Clock.Advance(90 * time.Second)
		switch c.rng.IntN(4) {
		case 0:
			c.mailsLeave()
		case 1:
			c.did = append(c.did, "(meanwhile a sweep)")
			c.must(c.run(privacy.SweepRetention(c.engine)))
		default:
			c.did = append(c.did, "(meanwhile requests are worked on)")
			c.must(c.run(privacy.WorkRequests(c.engine)))
		}
	}
}

func (c *conflict) packagesBuilt(meanwhile func()) string {
	var to privacy.Writer = c.packages
	if meanwhile != nil {
		to = slowly{c.packages, meanwhile}
	}
	n := 0
	for _, key := range c.keys(store.UserScope(c.ada.User).Partition(privacy.FamilyPackage)) {
		err := c.event(privacy.BuildExport(to, c.stored(), c.links, c.pseudonyms, c.seals, c.m), privacy.EventExportRequested, key)
		if err != nil && meanwhile == nil {
			c.wrong("a package: %v", err)
		}
		n++
	}
	return fmt.Sprint(n)
}

// rows gives every row of the table as plain values.
func (w *world) rows() []map[string]any {
	w.T.Helper()
	var all []map[string]any
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(w.AWS), &dynamodb.ScanInput{TableName: aws.String(w.World.Table), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		w.must(err)
		for _, item := range page.Items {
			var row map[string]any
			w.must(attributevalue.UnmarshalMap(item, &row))
			all = append(all, row)
		}
	}
	return all
}

// check holds the rows against the reference.
func (c *conflict) check() {
	c.T.Helper()
	user := string(c.ada.User)
	own := map[string]map[string]any{} // the rows of the account, by type
	clocks := 0
	var requests []map[string]any
	var entry, listed bool
	for _, r := range c.rows() {
		kind, _ := r["_type"].(string)
		switch {
		case strings.HasPrefix(r["PK"].(string), "USER#"+user):
			own[kind] = r
		case kind == "DUE" && r["kind"] == string(retention.AccountPurge):
			clocks++
		case kind == "ERASURE" && r["subject"] == c.subject():
			entry = true
		case kind == "ORGGATE":
			members, _ := r["restricted_members"].([]any)
			listed = listed || slices.Contains(members, any(string(c.ada.Member)))
		}
		if kind == "REQUEST" {
			requests = append(requests, r)
		}
	}
	gate := own["USERGATE"]
	for _, r := range requests {
		if w := c.wishes[fmt.Sprint(r["id"])]; w != nil && w.kind == request.RestrictionLift && w.state.Open() && r["state"] == string(request.Fulfilled) && w.filed.After(c.restricted) {
			c.restricted = time.Time{}
		}
	}
	c.checkFall(gate, own, entry)
	for _, r := range requests {
		c.checkRequest(r, gate, listed, entry)
	}
	if c.gone {
		c.checkGone(own)
	} else if !c.fallen {
		c.checkClock(gate, clocks)
	}
}

func (c *conflict) subject() string {
	return c.engine.Subject(erasure.ScopeAccount, string(c.ada.User))
}

// checkFall sees that the account is whole unless it may be erased, and that the ledger comes first.
func (c *conflict) checkFall(gate map[string]any, own map[string]map[string]any, entry bool) {
	c.T.Helper()
	now := c.Clock.Now().Unix()
	due, _ := gate["due_at"].(float64)
	fallen := gate == nil || gate["deleted"] != nil && due != 0 && int64(due) <= now
	if fallen && !c.fallen && !c.mayErase() {
		c.wrong("the account was closed for good before its time, or under a hold: %v", gate)
	}
	if c.fallen && !fallen {
		c.wrong("an account that was closed for good is open: %v", gate)
	}
	c.fallen = fallen
	whole := own["PROFILE"] != nil && own["CREDENTIAL"] != nil && own["MEMBERSHIP"] != nil
	if !whole && !fallen {
		c.wrong("rows went of an account that is not closed")
	}
	if !whole && (len(c.ledger()) == 0 || !entry) {
		c.wrong("rows went before the ledger was written")
	}
	if len(c.holds) > 0 && (!whole || gate["held"] != true) {
		c.wrong("a held account is not whole, or not held: %v", gate)
	}
	c.gone = c.gone || gate == nil
}

// checkGone sees that nothing of the person is left anywhere.
func (c *conflict) checkGone(own map[string]map[string]any) {
	c.T.Helper()
	if len(own) > 0 {
		c.wrong("rows of an erased account: %v", own)
	}
	for where, text := range map[string]string{"table": c.dump(), "packages": c.packages.All(), "vault": c.vault.All(), "log": c.Log.String()} {
		for _, mark := range []string{adaName, adaMail, string(c.ada.User), "a canary"} {
			for line := range strings.Lines(text) {
				if strings.Contains(line, mark) && !strings.Contains(line, "PK:DUE#outbox#") { // which leads to a mail that went
					c.wrong("the %s holds %q of an erased account: %s", where, mark, line)
				}
			}
		}
	}
}

// checkClock sees that a deleted account has a clock for what is due, and a held one none that counts.
func (c *conflict) checkClock(gate map[string]any, clocks int) {
	c.T.Helper()
	due, _ := gate["due_at"].(float64)
	want := int64(0)
	if !c.deleted.IsZero() && len(c.holds) == 0 {
		want = c.deleted.Add(retention.Account).Unix()
	}
	if int64(due) != want || want != 0 && clocks == 0 {
		c.wrong("the gate is due at %d, with %d clocks; want %d: %v", int64(due), clocks, want, gate)
	}
	if deleted, _ := gate["deleted"].(float64); (deleted != 0) != !c.deleted.IsZero() {
		c.wrong("the gate says deleted %v; want %v", deleted, c.deleted)
	}
	if gate["restrict"] == true != !c.restricted.IsZero() {
		c.wrong("the gate says restrict %v; want %v", gate["restrict"], !c.restricted.IsZero())
	}
}

// checkRequest sees that a request says what is true, and that one that is closed stays so.
func (c *conflict) checkRequest(r, gate map[string]any, listed, entry bool) {
	c.T.Helper()
	text, err := json.Marshal(r)
	c.must(err)
	i, _ := r["id"].(string)
	w := c.wishes[i]
	if w == nil {
		c.wrong("a request that nobody made: %s", text)
	}
	was := w.state
	w.state = request.State(r["state"].(string))
	if !was.Open() && w.state != was {
		c.wrong("a %s request was %s: %s", was, w.state, text)
	}
	next, _ := r["next"].(float64)
	switch {
	case w.state.Open() && (next == 0 || !c.clockOf(i, int64(next))):
		c.wrong("nothing leads to an open request: %s", text)
	case !w.state.Open() && next != 0:
		c.wrong("a closed request has a clock: %s", text)
	case r["destroying"] == true && !entry:
		c.wrong("a request says that it destroys what no ledger names: %s", text)
	case w.state == was || w.state != request.Fulfilled && w.state != request.PartiallyFulfilled:
		return
	}
	done := true
	switch w.kind {
	case request.Erasure:
		done = c.gone && len(c.ledger()) == 1
	case request.Access:
		done = r["package_until"] != nil && len(c.packages.Keys()) > 0
	case request.Restriction:
		done = c.restricted.IsZero() || listed && gate["restrict"] == true
	case request.RestrictionLift:
		done = !c.restricted.IsZero() || !listed && gate["restrict"] != true
	}
	if !done {
		c.wrong("a request reads as done before it is (the gate is %v, the member listed: %v): %s", gate, listed, text)
	}
}

// clockOf says whether a due row leads to a request.
func (c *conflict) clockOf(i string, next int64) bool {
	d := store.NewDue(privacy.RequestDue, time.Unix(next, 0), store.UserScope(c.ada.User).Key(privacy.FamilyRequest, i))
	due, _ := c.armed(d)
	return due
}

// end ends whatever stops the clocks, lets all of them run out, and sees that what was owed has happened and nothing else.
func (c *conflict) end() {
	c.T.Helper()
	c.did = append(c.did, "the end:")
	for len(c.holds) > 0 {
		c.lift()
		c.check()
	}
	owed := !c.deleted.IsZero() || c.fallen
	for _, w := range c.wishes {
		owed = owed || w.kind == request.Erasure && w.state.Open() && w.state != request.IdentityPending
	}
	if !c.restricted.IsZero() && c.alive() {
		c.Clock.Advance(25 * time.Hour) // from the limit of requests
		c.logIn()
		c.ask(request.RestrictionLift, false)
	}
	short, long := slices.Repeat([]time.Duration{10 * time.Minute}, 6), slices.Repeat([]time.Duration{145 * time.Hour}, 7)
	for _, pause := range slices.Concat(short, long, short) {
		c.mailsLeave()
		c.must(c.run(privacy.WorkRequests(c.engine)))
		c.packagesBuilt(nil)
		c.must(c.run(privacy.SweepRetention(c.engine)))
		c.Clock.Advance(pause)
		if pause > time.Hour {
			c.ttl()
		}
		c.check()
	}
	if c.gone != owed {
		c.wrong("the account is gone: %v; want %v", c.gone, owed)
	}
	for i, w := range c.wishes {
		if w.state.Open() {
			c.wrong("the %s request %s is %s in the end", w.kind, i, w.state)
		}
	}
	if left := lines(c.dump(), "_type:DUE"); left != "" && strings.Contains(left, string(c.ada.User)) {
		c.wrong("clocks are left:\n%s", left)
	}
}
