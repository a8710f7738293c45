package privacy

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/admin/heartbeat"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// HealthBody is how well the promises of the policy are kept at the moment.
type HealthBody struct {
	OK      bool           `json:"ok" doc:"Nothing is late, and no worker is silent."`
	At      time.Time      `json:"at"`
	Cases   HealthCount    `json:"overdue_cases" doc:"Privacy requests whose answer is late."`
	Holds   HealthCount    `json:"overdue_hold_reviews" doc:"Legal holds whose review is late."`
	Purges  []HealthPurge  `json:"purges" doc:"The clocks of retention."`
	Workers []HealthWorker `json:"workers" doc:"Jobs on schedules."`
}

// HealthCount is how many of something there are.
type HealthCount struct {
	Count  int        `json:"count" maximum:"200"`
	More   bool       `json:"more" doc:"Whether there are more than that."`
	Oldest *time.Time `json:"oldest,omitempty" doc:"The date that was missed first."`
}

// HealthPurge is how far behind one clock of retention is.
type HealthPurge struct {
	Clock string `json:"clock" example:"purge-account"`
	Lag   int64  `json:"lag_seconds" doc:"How long the oldest that is due has been; 0 when nothing is."`
	Late  bool   `json:"late" doc:"Whether it is more than two runs of the sweep behind."`
}

// HealthWorker is one job on a schedule.
type HealthWorker struct {
	Job    string     `json:"job" example:"sweep-retention"`
	Every  int        `json:"every_seconds"`
	Last   *time.Time `json:"last_run_at,omitempty" doc:"The last run that went well; absent when none ever did."`
	Silent bool       `json:"silent" doc:"Whether two runs stayed out or failed."`
}

// HealthOut is the answer of get-privacy-health.
type HealthOut struct{ Body HealthBody }

// lagAllowed is how far behind a clock of retention may be: two runs of the hourly sweep.
const lagAllowed = 2 * time.Hour

// GetPrivacyHealth shows what is late and who is silent.
func GetPrivacyHealth(st *store.Store) api.Operation {
	seen := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return api.New(api.Route{
		ID: "get-privacy-health", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/privacy-health", Audience: api.Staff, Audit: true, Permission: access.HealthRead,
		Summary: "What is late, and which worker is silent", Purpose: purpose.PrivacyRights,
		ExampleOut: HealthBody{OK: true, At: seen, Purges: []HealthPurge{{Clock: string(retention.AccountPurge)}},
			Workers: []HealthWorker{{Job: "sweep-retention", Every: 3600, Last: &seen}}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*HealthOut, error) {
		b, err := health(ctx, st, c.Platform(), c.Now)
		return &HealthOut{b}, err
	})
}

func health(ctx context.Context, st *store.Store, p *store.Platform, now time.Time) (HealthBody, error) {
	b := HealthBody{OK: true, At: now, Purges: []HealthPurge{}, Workers: []HealthWorker{}}
	late := func(index store.Index, partition string) store.Query {
		return store.Query{Index: index, Partition: partition, To: store.Instant(now), Limit: 200}
	}
	cases, more, err := store.List[Docket](ctx, p, late(store.Index2, store.PlatformScope().Partition(FamilyDocket, docketOpen)))
	if err != nil {
		return b, err
	}
	b.Cases = HealthCount{Count: len(cases), More: more != ""}
	if len(cases) > 0 {
		b.Cases.Oldest = clock.Moment(cases[0].Due)
	}
	holds, more, err := store.List[Hold](ctx, p, late(store.Index1, store.PlatformScope().Partition(FamilyHold, holdActive)))
	if err != nil {
		return b, err
	}
	b.Holds = HealthCount{Count: len(holds), More: more != ""}
	if len(holds) > 0 {
		b.Holds.Oldest = clock.Moment(holds[0].Review)
	}
	b.OK = len(cases) == 0 && len(holds) == 0
	for _, kind := range []store.DueKind{retention.AccountPurge, retention.OrganizationPurge, retention.InvoicePurge, retention.ProjectPurge} {
		lag, err := behind(ctx, p, kind, now)
		if err != nil {
			return b, err
		}
		b.Purges = append(b.Purges, HealthPurge{Clock: string(kind), Lag: int64(lag.Seconds()), Late: lag > lagAllowed})
		b.OK = b.OK && lag <= lagAllowed
	}
	beats := make([]*store.Fetch, len(heartbeat.Workers()))
	for n, w := range heartbeat.Workers() {
		beats[n] = &store.Fetch{Through: p, Key: heartbeat.Key(w.Job), Row: new(heartbeat.Heartbeat)}
	}
	if err := st.FetchAll(ctx, beats...); err != nil {
		return b, err
	}
	for n, w := range heartbeat.Workers() {
		last := beats[n].Row.(*heartbeat.Heartbeat).At
		row := HealthWorker{Job: w.Job, Every: int(w.Every.Seconds()), Last: clock.Moment(last), Silent: w.Silent(clock.At(last), now)}
		b.Workers = append(b.Workers, row)
		b.OK = b.OK && !row.Silent
	}
	return b, nil
}

// behind is how long the oldest due row of a kind has been due.
func behind(ctx context.Context, p *store.Platform, kind store.DueKind, now time.Time) (time.Duration, error) {
	var lag time.Duration
	for shard := range store.Shards {
		due, err := store.DueBy(ctx, p, kind, shard, now, 1)
		if err != nil {
			return 0, err
		}
		for _, d := range due {
			lag = max(lag, now.Sub(d.Time()))
		}
	}
	return lag, nil
}
