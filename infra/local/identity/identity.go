// Package identity knows which function process holds which access key, so that the doors before DynamoDB, S3 and the
// other services know who calls and for which request.
package identity

import (
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"

	"pixeltrack.io/platform/infra/local/iam"
)

// Root is the access key of the stack itself; the doors let it do anything and count nothing.
const (
	Root       = "LOCALROOT"
	RootSecret = "local-root-secret"
)

// Identity is one process of one function.
type Identity struct {
	AccessKey string
	Secret    string
	Function  string      // resource name, CreateClient
	Policy    *iam.Policy // what the function's role allows
	RequestID string      // the invocation in flight, empty while the process starts or waits
	Started   time.Time   // when it was given its first event; zero while it starts
}

// Registry maps access keys to identities. It is safe for concurrent use.
type Registry struct {
	mu   sync.RWMutex
	keys map[string]Identity
	gone map[string]Identity // revoked
}

// New returns an empty registry.
func New() *Registry { return &Registry{keys: map[string]Identity{}, gone: map[string]Identity{}} }

// Issue makes a fresh access key for a process of a function.
func (r *Registry) Issue(function string, policy *iam.Policy) Identity {
	id := Identity{AccessKey: "LOCAL" + token(8), Secret: token(20), Function: function, Policy: policy}
	r.Add(id)
	return id
}

// Add lets an identity call with a key of its own.
func (r *Registry) Add(id Identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[id.AccessKey] = id
}

// Begin says that the process with this key now works on a request.
func (r *Registry) Begin(accessKey, requestID string) { r.setRequest(accessKey, requestID) }

// End says that the process waits again.
func (r *Registry) End(accessKey string) { r.setRequest(accessKey, "") }

// Revoke ends a key: nobody calls with it any more. What it signed before counts on.
func (r *Registry) Revoke(accessKey string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id, ok := r.keys[accessKey]; ok {
		r.gone[accessKey] = id
	}
	delete(r.keys, accessKey)
}

// Signer finds who held a key, also when it has been revoked: a link that was signed with it lives as long as it says,
// not as long as the process.
func (r *Registry) Signer(accessKey string) (Identity, bool) {
	if id, ok := r.Lookup(accessKey); ok {
		return id, true
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	id, ok := r.gone[accessKey]
	return id, ok
}

// Lookup finds who holds a key. The stack's own key has no policy and no function.
func (r *Registry) Lookup(accessKey string) (Identity, bool) {
	if accessKey == Root {
		return Identity{AccessKey: Root, Secret: RootSecret}, true
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	id, ok := r.keys[accessKey]
	return id, ok
}

func (r *Registry) setRequest(accessKey, requestID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.keys[accessKey]
	if !ok {
		return
	}
	id.RequestID = requestID
	if id.Started.IsZero() {
		id.Started = time.Now()
	}
	r.keys[accessKey] = id
}

func token(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}
