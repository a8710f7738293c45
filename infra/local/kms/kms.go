// Package kms is the local stack's KMS: keys for data keys and keys that sign with Ed25519, used by whose role allows.
package kms

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"pixeltrack.io/platform/infra/local/awsjson"
	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/simclock"
)

const arnPrefix = "arn:aws:kms:us-east-1:000000000000:key/"

// The kinds of keys there are.
const (
	Symmetric = "SYMMETRIC_DEFAULT"
	Ed25519   = "ECC_NIST_EDWARDS25519"

	useEncrypt = "ENCRYPT_DECRYPT"
	useSign    = "SIGN_VERIFY"
	algorithm  = "ED25519_SHA_512"
)

// The states of a key.
const (
	enabled         = "Enabled"
	pendingDeletion = "PendingDeletion"
)

// Key is a key that the stack starts with.
type Key struct {
	ID    string // the last part of its ARN
	Spec  string // Symmetric or Ed25519
	Seed  string // what its secret is derived from, so that it outlives a restart; empty is random
	Alias string // alias/…, empty for none
}

// Options are what the service is made of.
type Options struct {
	Keys       []Key
	Identities *identity.Registry
	Clock      *simclock.Clock
	Guard      guard.Guard
}

// key is one key. Its secret is 32 bytes: of AES-256, or the seed of an Ed25519 key.
type key struct {
	id, spec, state, description string
	secret                       []byte
	created, deletion            time.Time
	tags                         map[string]string
}

func (k *key) arn() string { return arnPrefix + k.id }

func (k *key) usage() string {
	if k.spec == Ed25519 {
		return useSign
	}
	return useEncrypt
}

func (k *key) private() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(k.secret) }

type service struct {
	now     func() time.Time
	mu      sync.Mutex
	keys    map[string]*key
	aliases map[string]string
}

// New makes the service.
func New(o Options) http.Handler {
	s := &service{now: o.Clock.Now, keys: map[string]*key{}, aliases: map[string]string{}}
	for _, k := range o.Keys {
		s.keys[k.ID] = &key{id: k.ID, spec: k.Spec, state: enabled, secret: secretOf(k), created: o.Clock.Now()}
		if k.Alias != "" {
			s.aliases[k.Alias] = k.ID
		}
	}
	return &awsjson.Service{Name: "kms", Target: "TrentService", Identities: o.Identities, Now: o.Clock.Now, Guard: o.Guard,
		Operations: map[string]awsjson.Operation{
			"CreateKey": s.createKey, "DescribeKey": s.describeKey, "ScheduleKeyDeletion": s.scheduleDeletion, "CancelKeyDeletion": s.cancelDeletion,
			"GenerateDataKey": s.generateDataKey, "Encrypt": s.encrypt, "Decrypt": s.decrypt,
			"Sign": s.sign, "Verify": s.verify, "GetPublicKey": s.getPublicKey,
		}}
}

func secretOf(k Key) []byte {
	if k.Seed == "" {
		return random(32)
	}
	sum := sha256.Sum256([]byte("pixeltrack local kms\n" + k.ID + "\n" + k.Seed))
	return sum[:]
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}

func refused(kind, format string, args ...any) error {
	return &awsjson.Error{Type: kind, Message: fmt.Sprintf(format, args...)}
}

// find gives the key of an id, ARN or alias.
func (s *service) find(name string) (*key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := strings.TrimPrefix(name, arnPrefix)
	if strings.HasPrefix(name, "alias/") {
		id = s.aliases[name]
	}
	k := s.keys[id]
	if k == nil || k.state == pendingDeletion && s.now().After(k.deletion) {
		return nil, refused("NotFoundException", "Key '%s' does not exist", arnPrefix+id)
	}
	copied := *k
	return &copied, nil
}

// usable gives a key that the caller may use for an action, when it is of that use.
func (s *service) usable(c *awsjson.Call, name, action, usage string, context map[string][]string) (*key, error) {
	k, err := s.find(name)
	if err != nil {
		// Whether a key exists is told only to who may use it.
		if denied := c.Allow(action, arnPrefix+strings.TrimPrefix(name, arnPrefix), context); denied != nil {
			return nil, denied
		}
		return nil, err
	}
	if err := c.Allow(action, k.arn(), k.conditions(context)); err != nil {
		return nil, err
	}
	if k.state == pendingDeletion {
		return nil, refused("KMSInvalidStateException", "%s is pending deletion.", k.arn())
	}
	if k.usage() != usage {
		return nil, refused("InvalidKeyUsageException", "%s key usage is %s which is not valid for %s.", k.arn(), k.usage(), strings.TrimPrefix(action, "kms:"))
	}
	return k, nil
}

// conditions adds the key's tags to what policies may ask.
func (k *key) conditions(context map[string][]string) map[string][]string {
	all := map[string][]string{}
	for name, values := range context {
		all[name] = values
	}
	for name, value := range k.tags {
		all["aws:ResourceTag/"+name] = []string{value}
	}
	return all
}

type tag struct{ TagKey, TagValue string }

func (s *service) createKey(c *awsjson.Call) (any, error) {
	var q struct {
		KeySpec, KeyUsage, Description string
		Tags                           []tag
	}
	if err := c.Read(&q); err != nil {
		return nil, err
	}
	k := &key{id: newID(), spec: q.KeySpec, state: enabled, description: q.Description, secret: random(32), created: s.now(), tags: map[string]string{}}
	if k.spec == "" {
		k.spec = Symmetric
	}
	usage := q.KeyUsage
	if usage == "" {
		usage = useEncrypt
	}
	context := map[string][]string{"kms:KeySpec": {k.spec}, "kms:KeyUsage": {usage}}
	for _, t := range q.Tags {
		k.tags[t.TagKey] = t.TagValue
		context["aws:RequestTag/"+t.TagKey] = []string{t.TagValue}
		context["aws:TagKeys"] = append(context["aws:TagKeys"], t.TagKey)
	}
	if err := c.Allow("kms:CreateKey", "*", context); err != nil {
		return nil, err
	}
	if len(q.Tags) > 0 {
		if err := c.Allow("kms:TagResource", arnPrefix+k.id, k.conditions(context)); err != nil {
			return nil, err
		}
	}
	if !slices.Contains([]string{Symmetric, Ed25519}, k.spec) || usage != k.usage() {
		return nil, refused("ValidationException", "The operation failed because the KeyUsage or KeySpec value is not valid")
	}
	s.mu.Lock()
	s.keys[k.id] = k
	s.mu.Unlock()
	return map[string]any{"KeyMetadata": k.metadata()}, nil
}

func newID() string {
	b := random(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (k *key) metadata() map[string]any {
	m := map[string]any{"AWSAccountId": "000000000000", "KeyId": k.id, "Arn": k.arn(), "CreationDate": epoch(k.created), "Enabled": k.state == enabled,
		"Description": k.description, "KeyUsage": k.usage(), "KeyState": k.state, "Origin": "AWS_KMS", "KeyManager": "CUSTOMER",
		"KeySpec": k.spec, "CustomerMasterKeySpec": k.spec, "MultiRegion": false}
	if k.spec == Ed25519 {
		m["SigningAlgorithms"] = []string{algorithm, "ED25519_PH_SHA_512"}
	} else {
		m["EncryptionAlgorithms"] = []string{Symmetric}
	}
	if k.state == pendingDeletion {
		m["DeletionDate"] = epoch(k.deletion)
	}
	return m
}

func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

type keyRequest struct {
	KeyID               string `json:"KeyId"`
	PendingWindowInDays *int
}

func (s *service) describeKey(c *awsjson.Call) (any, error) {
	var q keyRequest
	if err := c.Read(&q); err != nil {
		return nil, err
	}
	k, err := s.find(q.KeyID)
	if err != nil {
		return nil, err
	}
	if err := c.Allow("kms:DescribeKey", k.arn(), k.conditions(nil)); err != nil {
		return nil, err
	}
	return map[string]any{"KeyMetadata": k.metadata()}, nil
}

func (s *service) scheduleDeletion(c *awsjson.Call) (any, error) {
	var q keyRequest
	if err := c.Read(&q); err != nil {
		return nil, err
	}
	days := 30
	if q.PendingWindowInDays != nil {
		days = *q.PendingWindowInDays
	}
	k, err := s.find(q.KeyID)
	if err != nil {
		return nil, err
	}
	context := k.conditions(map[string][]string{"kms:ScheduleKeyDeletionPendingWindowInDays": {fmt.Sprint(days)}})
	if err := c.Allow("kms:ScheduleKeyDeletion", k.arn(), context); err != nil {
		return nil, err
	}
	if days < 7 || days > 30 {
		return nil, refused("ValidationException", "1 validation error detected: Value '%d' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value between 7 and 30", days)
	}
	if k.state == pendingDeletion {
		return nil, refused("KMSInvalidStateException", "%s is pending deletion.", k.arn())
	}
	at := s.now().Add(time.Duration(days) * 24 * time.Hour)
	s.setState(k.id, pendingDeletion, at)
	return map[string]any{"KeyId": k.arn(), "DeletionDate": epoch(at), "KeyState": pendingDeletion, "PendingWindowInDays": days}, nil
}

func (s *service) cancelDeletion(c *awsjson.Call) (any, error) {
	var q keyRequest
	if err := c.Read(&q); err != nil {
		return nil, err
	}
	k, err := s.find(q.KeyID)
	if err != nil {
		return nil, err
	}
	if err := c.Allow("kms:CancelKeyDeletion", k.arn(), k.conditions(nil)); err != nil {
		return nil, err
	}
	if k.state != pendingDeletion {
		return nil, refused("KMSInvalidStateException", "%s is not pending deletion.", k.arn())
	}
	s.setState(k.id, enabled, time.Time{})
	return map[string]any{"KeyId": k.arn()}, nil
}

func (s *service) setState(id, state string, deletion time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[id].state, s.keys[id].deletion = state, deletion
}
