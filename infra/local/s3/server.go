// Package s3 is the local stack's S3: objects in files, everything else in memory, path style. It checks signatures and
// presigned links, allows a function what its role allows, and lives by the stack's clock.
//
// It is our own, though a well-kept server exists in versitygw, because time and keys rule here: versitygw dates objects,
// locks and links by the machine's clock, applies no lifecycle rules, makes paths of keys and takes a minute to build;
// to put it behind this package's checks would leave this package to keep dates, locks, rules and versions all the same.
// It is the second opinion instead: `make prove` holds the same conversations with both and compares every answer; what
// differs is listed with the reason. `make test` holds this server to the answers that were agreed.
package s3

import (
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/sigv4"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/template"
)

// Options are what a Server is made of.
type Options struct {
	Dir        string // where the bodies lie; the server makes a directory of its own in it
	Buckets    []Bucket
	Identities *identity.Registry
	Clock      *simclock.Clock
	Guard      guard.Guard
	Denies     func(p *iam.Policy, r iam.Request) bool // whether a bucket's policy denies a call; nil asks no bucket
}

// Server is the S3 of the stack.
type Server struct {
	shelf  *shelf
	verify *sigv4.Verifier
	now    func() time.Time
	guard  guard.Guard
	denies func(*iam.Policy, iam.Request) bool
}

// New makes a server with empty buckets.
func New(o Options) (*Server, error) {
	dir, err := os.MkdirTemp(o.Dir, "s3-")
	if err != nil {
		return nil, err
	}
	return &Server{shelf: newShelf(dir, o.Buckets), now: o.Clock.Now, guard: o.Guard, denies: o.Denies,
		verify: &sigv4.Verifier{Identities: o.Identities, Now: o.Clock.Now, Scope: sigv4.Scope{Region: template.Region, Service: "s3"}}}, nil
}

// Close deletes every body.
func (s *Server) Close() error { return os.RemoveAll(s.shelf.dir) }

// call is one request on its way.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	id      string
	signed  *sigv4.Signed
	bucket  *bucket
	key     string
	query   url.Values
	trailer http.Header
}

// operation answers one kind of request. Its name is S3's.
type operation struct {
	name string
	run  func(*Server, *call) error
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{w: w, r: r, id: token(8), query: r.URL.Query(), trailer: http.Header{}}
	w.Header().Set("X-Amz-Request-Id", c.id)
	w.Header().Set("Server", "AmazonS3")
	name, key, err := split(r.URL)
	if err != nil {
		problemOf(err).write(w, r, c.id)
		return
	}
	c.key = key
	c.bucket = s.shelf.buckets[name]
	if c.bucket != nil && c.bucket.answerOrigin(w, r, c.id) {
		return
	}
	if c.signed, err = s.verify.Verify(r, ""); err != nil {
		problemOf(err).write(w, r, c.id)
		return
	}
	if c.bucket == nil {
		errNoBucket.write(w, r, c.id)
		return
	}
	unhoist(c)
	op, ok := route(c)
	if !ok {
		errNotBuilt.write(w, r, c.id)
		return
	}
	s.watched(c, op)
}

// split gives bucket and key of a path.
func split(u *url.URL) (bucket, key string, err error) {
	raw := strings.TrimPrefix(u.EscapedPath(), "/")
	bucket, key, _ = strings.Cut(raw, "/")
	if key, err = url.PathUnescape(key); err != nil {
		return "", "", &problem{http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI."}
	}
	if len(key) > 1024 {
		return "", "", errLongKey
	}
	return bucket, key, nil
}

// unhoist makes headers of what a presigned link carries in its query instead.
func unhoist(c *call) {
	if !c.signed.Presigned {
		return
	}
	own := []string{"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature", "x-amz-security-token"}
	for name, values := range c.query {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(own, lower) && c.r.Header.Get(name) == "" {
			c.r.Header.Set(name, values[0])
		}
	}
}

// route finds the operation of a request.
func route(c *call) (operation, bool) {
	if c.key == "" {
		return routeBucket(c)
	}
	switch c.r.Method {
	case http.MethodGet:
		switch {
		case c.query.Has("uploadId"):
			return operation{"ListParts", (*Server).listParts}, true
		case onlyKnown(c, "versionId", "partNumber"):
			return operation{"GetObject", (*Server).getObject}, true
		}
	case http.MethodHead:
		return operation{"HeadObject", (*Server).getObject}, true
	case http.MethodPut:
		switch {
		case c.query.Has("uploadId") && c.r.Header.Get("X-Amz-Copy-Source") == "":
			return operation{"UploadPart", (*Server).uploadPart}, true
		case !onlyKnown(c):
		case c.r.Header.Get("X-Amz-Copy-Source") != "":
			return operation{"CopyObject", (*Server).copyObject}, true
		default:
			return operation{"PutObject", (*Server).putObject}, true
		}
	case http.MethodPost:
		switch {
		case c.query.Has("uploads"):
			return operation{"CreateMultipartUpload", (*Server).createUpload}, true
		case c.query.Has("uploadId"):
			return operation{"CompleteMultipartUpload", (*Server).completeUpload}, true
		}
	case http.MethodDelete:
		switch {
		case c.query.Has("uploadId"):
			return operation{"AbortMultipartUpload", (*Server).abortUpload}, true
		case onlyKnown(c, "versionId"):
			return operation{"DeleteObject", (*Server).deleteObject}, true
		}
	}
	return operation{}, false
}

func routeBucket(c *call) (operation, bool) {
	switch c.r.Method {
	case http.MethodHead:
		return operation{"HeadBucket", (*Server).headBucket}, true
	case http.MethodGet:
		switch {
		case c.query.Has("versions"):
			return operation{"ListObjectVersions", (*Server).listVersions}, true
		case c.query.Has("uploads"):
			return operation{"ListMultipartUploads", (*Server).listUploads}, true
		case c.query.Get("list-type") == "2":
			return operation{"ListObjectsV2", (*Server).listObjects}, true
		}
	case http.MethodPost:
		if c.query.Has("delete") {
			return operation{"DeleteObjects", (*Server).deleteObjects}, true
		}
	}
	return operation{}, false
}

// onlyKnown says that the query asks for no other resource of the object, such as ?acl or ?tagging.
func onlyKnown(c *call, known ...string) bool {
	for name := range c.query {
		lower := strings.ToLower(name)
		if name != "x-id" && !strings.HasPrefix(lower, "x-amz-") && !strings.HasPrefix(name, "response-") && !slices.Contains(known, name) {
			return false
		}
	}
	return true
}

// answerOrigin sets the headers for pages of other origins that the bucket allows, and answers their preflights.
func (b *bucket) answerOrigin(w http.ResponseWriter, r *http.Request, id string) bool {
	origin := r.Header.Get("Origin")
	preflight := r.Method == http.MethodOptions
	method := r.Method
	if preflight {
		method = r.Header.Get("Access-Control-Request-Method")
	}
	if preflight && (origin == "" || method == "") {
		(&problem{http.StatusBadRequest, "BadRequest", "Insufficient information. Origin and Access-Control-Request-Method request headers needed."}).write(w, r, id)
		return true
	}
	for _, rule := range b.CORS {
		if origin == "" || !matches(rule.Origins, origin) || !slices.Contains(rule.Methods, method) {
			continue
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Allow-Methods", strings.Join(rule.Methods, ", "))
		h.Set("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
		if len(rule.Expose) > 0 {
			h.Set("Access-Control-Expose-Headers", strings.Join(rule.Expose, ", "))
		}
		if !preflight {
			return false
		}
		if !rule.allowsHeaders(r.Header.Get("Access-Control-Request-Headers")) {
			break
		}
		h.Set("Access-Control-Allow-Headers", strings.Join(listed(r.Header.Get("Access-Control-Request-Headers")), ", "))
		w.WriteHeader(http.StatusOK)
		return true
	}
	if preflight {
		(&problem{http.StatusForbidden, "AccessForbidden", "CORSResponse: This CORS request is not allowed."}).write(w, r, id)
	}
	return preflight
}

func (rule CORSRule) allowsHeaders(list string) bool {
	return !slices.ContainsFunc(listed(list), func(name string) bool { return !matches(rule.Headers, name) })
}

// listed gives the names of a header that lists some, in lower case.
func listed(text string) (names []string) {
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// matches compares with patterns that may hold one star.
func matches(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		before, after, star := strings.Cut(strings.ToLower(p), "*")
		lower := strings.ToLower(text)
		if !star {
			return before == lower
		}
		return len(lower) >= len(before)+len(after) && strings.HasPrefix(lower, before) && strings.HasSuffix(lower, after)
	})
}
