package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/bus"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/size"
)

// stuff puts rows of other people into the table, past the product.
func stuff(t *testing.T, n int) {
	t.Helper()
	for from := 0; from < n; from += 25 {
		var batch []types.WriteRequest
		for i := from; i < min(n, from+25); i++ {
			batch = append(batch, types.WriteRequest{PutRequest: &types.PutRequest{Item: map[string]types.AttributeValue{
				"PK": &types.AttributeValueMemberS{Value: "ORG#org_stuffing#CLIENT"}, "SK": &types.AttributeValueMemberS{Value: fmt.Sprintf("%s-%08d", unique(), i)},
				"_type": &types.AttributeValueMemberS{Value: "CLIENT"}}}})
		}
		if _, err := cloud.Table.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{cloud.Cloud.Table.Name: batch}}); err != nil {
			t.Fatal(err)
		}
	}
}

// sweepOne deletes an account, lets its time pass with every trigger but the schedule off, and gives what the sweep cost.
func sweepOne(t *testing.T) cost {
	t.Helper()
	drain(t)
	p := signUp(t)
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	p.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(2 * time.Minute) })
	if err := p.RunJob(t.Context(), "CloseOrganizations"); err != nil {
		t.Fatal(err)
	}
	p.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(30*24*time.Hour + time.Minute) })
	run(t, "work-requests", bus.Event("WorkRequests", cloud.Clock.Now())) // warm another; the sweep itself must be cold once
	request := run(t, "sweep-retention", bus.Event("SweepRetention", cloud.Clock.Now()))
	c := costOf(cloud.Recorder.OfRequest(request))
	c.Trips = 0 // depends on the machine when calls are made beside each other
	return c
}

// TestTheSweepCostsWhatIsDue sweeps one account among few rows and among many: the calls and units are the same.
func TestTheSweepCostsWhatIsDue(t *testing.T) {
	few, many := 1000, size.Of(5000, 100_000)
	sweep := func() cost { // the cheaper of two: what tests before have left is swept along once
		return slices.MinFunc([]cost{sweepOne(t), sweepOne(t)}, func(a, b cost) int { return a.Calls - b.Calls })
	}
	stuff(t, few)
	first := sweep()
	stuff(t, many-few)
	second := sweep()
	t.Logf("among %d rows %+v, among %d rows %+v", few, first, many, second)
	if first != second {
		t.Errorf("the sweep costs %+v among %d rows and %+v among %d", first, few, second, many)
	}
	if first.Write == 0 {
		t.Error("the sweep wrote nothing")
	}
}

// TestTheScheduleDoesTheWorkOfALostStream switches the stream off for 48 hours in which accounts fall due, lets TTL
// delete every wake row unheard, and shows that the next scheduled run does all the work.
func TestTheScheduleDoesTheWorkOfALostStream(t *testing.T) {
	var people []*caller
	for range size.Of(2, 20) {
		p := signUp(t)
		p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
		people = append(people, p)
	}
	first := people[0]
	first.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(2 * time.Minute) })
	if err := first.RunJob(t.Context(), "CloseOrganizations"); err != nil {
		t.Fatal(err)
	}
	first.settle()
	cloud.Stream.Off()
	defer cloud.Stream.On()
	cloud.Move(func(c *simclock.Clock) { c.Advance(31 * 24 * time.Hour) })
	if err := first.Sweep(t.Context()); err != nil { // the wake rows go, and nobody hears of it
		t.Fatal(err)
	}
	first.settle() // the deletions have been read, and nobody is told
	cloud.Move(func(c *simclock.Clock) { c.Advance(48 * time.Hour) })
	cloud.Stream.On()
	first.settle()
	before, err := first.Raw(t.Context(), "table")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(before, "USER#"+first.user) {
		t.Error("the account is gone before the schedule ran: the stream was not off")
	}
	if err := first.RunJob(t.Context(), "SweepRetention"); err != nil {
		t.Fatal(err)
	}
	after, err := first.Raw(t.Context(), "table")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range people {
		if strings.Contains(after, p.user) {
			t.Errorf("%s is still there after the scheduled run", p.user)
		}
	}
}

// TestProjectDataGoesByTheSetting lets a project's time be over: the owner is told and asks for the export, and 14 days
// later the project goes with its hours, its timer and its file, woken by TTL and swept by the schedule.
func TestProjectDataGoesByTheSetting(t *testing.T) {
	p := signUp(t)
	project := p.project()
	entry, file := p.newEntry(project), p.newFile("what nobody needs any more")
	p.startTimer()
	invoice := p.newInvoice()
	p.must(200, journey.Call{Method: "PATCH", Path: "/v1/org", IfMatch: p.etag("/v1/org"), Body: map[string]any{"retention_days": 30}})
	later := func(d time.Duration) {
		t.Helper()
		p.runLater("sweep-retention", d)
		p.settle()
		p.logIn()
	}
	later(2 * time.Minute)
	later(16 * 24 * time.Hour)
	if goes := p.must(200, journey.Call{Method: "GET", Path: "/v1/projects/" + project}).Text("deletion_at"); goes == "" {
		t.Fatal("14 days before, the project does not say when it goes")
	}
	if n := len(p.mails("Project data of your organization")); n != 1 {
		t.Errorf("the owner has %d mails about it; want 1", n)
	}
	p.must(202, journey.Call{Method: "POST", Path: "/v1/org/exports"})
	p.settle()
	if n := len(p.mails("export of your organization")); n != 1 {
		t.Errorf("the owner has %d links to the export; want 1", n)
	}
	later(14*24*time.Hour + time.Minute)
	later(2 * time.Minute)
	for _, path := range []string{"/v1/projects/" + project, "/v1/time-entries/" + entry, file, "/v1/timer"} {
		if a := p.call(journey.Call{Method: "GET", Path: path}); a.Status != 404 {
			t.Errorf("%s = %d; want it gone", path, a.Status)
		}
	}
	p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + invoice})
	if left := p.finds(project, strings.TrimPrefix(project, "prj_"), entry); len(left) > 0 {
		t.Errorf("of the project are left: %v", left)
	}
}
