package subprocessors

import (
	"context"
	"sync"
	"time"

	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// fresh is how long what was read of the register counts.
const fresh = 5 * time.Minute

// Reach says for the egress which hosts data may go to, by the register as it was at most five minutes ago. It is safe for
// concurrent use.
type Reach struct {
	st  *store.Store
	now func() time.Time
	log *telemetry.Log

	mu   sync.Mutex
	all  []Provider
	read time.Time
}

// NewReach makes it for a function, and reads the register, which belongs into the start of one.
func NewReach(st *store.Store, now func() time.Time, log *telemetry.Log) *Reach {
	r := &Reach{st: st, now: now, log: log}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := r.register(ctx); err != nil {
		log.Warn("register_not_read", telemetry.Cause(err)) // the first call reads it
	}
	return r
}

func (r *Reach) register(ctx context.Context) ([]Provider, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if age := now.Sub(r.read); r.all != nil && age >= 0 && age < fresh {
		return r.all, nil
	}
	all, err := All(ctx, r.st.BindPlatform(store.Actor{Who: "egress"}), now)
	if err != nil {
		return nil, err
	}
	r.all, r.read = all, now
	return all, nil
}

// Hosts lists the hosts that data may go to now.
func (r *Reach) Hosts(ctx context.Context) ([]string, error) {
	all, err := r.register(ctx)
	if err != nil {
		return nil, err
	}
	var hosts []string
	for _, p := range all {
		if p.Receives(r.now()) {
			hosts = append(hosts, p.Hosts...)
		}
	}
	return hosts, nil
}

// Refused is told of a host that something wanted to reach and may not.
func (r *Reach) Refused(host string) { r.log.Error("egress_refused", telemetry.Host(host)) }
