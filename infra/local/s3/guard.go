package s3

import (
	"net/http"

	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/iam"
)

// watched carries an operation out under the guard.
func (s *Server) watched(c *call, op operation) {
	who := c.signed.Identity
	s.guard.Watch(c.w, guard.Call{Service: "s3", Operation: op.name, Resource: c.bucket.Name, Function: who.Function, RequestID: who.RequestID},
		func(w http.ResponseWriter) string {
			c.w = w
			if err := op.run(s, c); err != nil {
				p := problemOf(err)
				p.write(w, c.r, c.id)
				return p.code
			}
			return ""
		},
		func(w http.ResponseWriter, f guard.Fault) string {
			p := c.fault(f)
			p.write(w, c.r, c.id)
			return p.code
		})
}

// fault gives a planned fault in S3's words. Only a write under a condition can conflict.
func (c *call) fault(f guard.Fault) *problem {
	conditional := c.r.Header.Get("If-None-Match") != "" || c.r.Header.Get("If-Match") != ""
	switch {
	case f == guard.Throttle:
		return &problem{http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."}
	case f == guard.Conflict && conditional && c.r.Method != http.MethodGet && c.r.Method != http.MethodHead:
		return &problem{http.StatusConflict, "ConditionalRequestConflict", "The conditional request cannot succeed due to a conflicting operation against this resource."}
	}
	return errInternalFault
}

// allow judges an action on a key of the call's bucket.
func (s *Server) allow(c *call, action, key string) error { return s.allowIn(c, c.bucket, action, key) }

// allowIn judges an action on a key of any bucket, with what the bucket's encryption asks of the caller on top.
func (s *Server) allowIn(c *call, b *bucket, action, key string) error {
	if err := s.judge(c, b, action, "arn:aws:s3:::"+b.Name+"/"+key); err != nil {
		return err
	}
	return s.allowKey(c, b, action)
}

// allowBucket judges an action on a bucket.
func (s *Server) allowBucket(c *call, b *bucket, action string) error {
	return s.judge(c, b, action, "arn:aws:s3:::"+b.Name)
}

func (s *Server) judge(c *call, b *bucket, action, resource string) error {
	q := iam.Request{Action: action, Resource: resource, Context: conditions(c)}
	who := c.signed.Identity
	if s.guard.Allow(who, q) != nil {
		return errDenied
	}
	if b.Policy != nil && s.denies != nil && s.denies(b.Policy, q) {
		return errDenied
	}
	return nil
}

// allowKey asks of the caller what S3 does for objects that are encrypted under a key of the account: a data key for
// each write, its decryption for each read, both for the parts of an upload.
func (s *Server) allowKey(c *call, b *bucket, action string) error {
	if b.Encryption != "aws:kms" || b.KMSKeyID == "" {
		return nil
	}
	var needed []string
	switch action {
	case "s3:PutObject":
		needed = []string{"kms:GenerateDataKey"}
		if c.query.Has("uploads") || c.query.Has("uploadId") {
			needed = append(needed, "kms:Decrypt")
		}
	case "s3:GetObject", "s3:GetObjectVersion":
		needed = []string{"kms:Decrypt"}
	}
	for _, a := range needed {
		q := iam.Request{Action: a, Resource: b.KMSKeyID, Context: map[string][]string{"kms:ViaService": {"s3.us-east-1.amazonaws.com"}}}
		if s.guard.Allow(c.signed.Identity, q) != nil {
			return errDenied
		}
	}
	return nil
}

// conditions are what policies may ask of a call. The stack's connections count as encrypted: the templates ask that of
// the real ones.
func conditions(c *call) map[string][]string {
	m := map[string][]string{"aws:SecureTransport": {"true"}, "s3:TlsVersion": {"1.3"}, "s3:authType": {"REST-HEADER"}, "s3:signatureversion": {"AWS4-HMAC-SHA256"}}
	if c.signed.Presigned {
		m["s3:authType"] = []string{"REST-QUERY-STRING"}
	}
	for key, name := range map[string]string{"s3:prefix": "prefix", "s3:delimiter": "delimiter", "s3:max-keys": "max-keys", "s3:VersionId": "versionId"} {
		if c.query.Has(name) {
			m[key] = []string{c.query.Get(name)}
		}
	}
	for _, name := range []string{"if-none-match", "if-match", "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id",
		"x-amz-content-sha256", "x-amz-copy-source", "x-amz-metadata-directive", "x-amz-storage-class"} {
		if value := c.r.Header.Get(name); value != "" {
			m["s3:"+name] = []string{value}
		}
	}
	return m
}
