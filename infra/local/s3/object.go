package s3

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxObject is the most that one PUT may carry: 5 GB.
const maxObject = 5 << 30

func (s *Server) putObject(c *call) error {
	if err := s.allow(c, "s3:PutObject", c.key); err != nil {
		return err
	}
	v, err := s.describe(c)
	if err != nil {
		return err
	}
	got, err := s.body(c, maxObject)
	if err != nil {
		return err
	}
	v.size, v.etag, v.checksums, v.segments = got.size, got.etag(), got.checksums, []segment{got.segment}
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	if err := checkWrite(c); err != nil {
		erase(v.segments)
		return err
	}
	s.shelf.put(c.bucket, v)
	s.answerWritten(c, v)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// body receives the content of a request.
func (s *Server) body(c *call, max int64) (*received, error) {
	content, err := c.signed.Body(c.r, c.trailer)
	if err != nil {
		return nil, err
	}
	length, err := contentLength(c)
	if err != nil {
		return nil, err
	}
	if length > max {
		return nil, errTooLarge
	}
	got, err := s.shelf.receive(content, c.r.Header, c.trailer, max)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errIncomplete
	}
	if err != nil {
		return nil, err
	}
	if got.size != length {
		erase([]segment{got.segment})
		return nil, errIncomplete
	}
	return got, nil
}

func contentLength(c *call) (int64, error) {
	if !c.signed.Chunked() {
		if c.r.ContentLength < 0 {
			return 0, errNoLength
		}
		return c.r.ContentLength, nil
	}
	n, err := strconv.ParseInt(c.r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || n < 0 {
		return 0, errNoLength
	}
	return n, nil
}

// kept are the headers of a PUT that come back with a GET.
func kept() []string {
	return []string{"Content-Type", "Content-Disposition", "Content-Encoding", "Content-Language", "Cache-Control", "Expires",
		"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
		"X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", "X-Amz-Storage-Class", "X-Amz-Website-Redirect-Location"}
}

// describe reads from a request's headers what is to be known of a new object.
func (s *Server) describe(c *call) (*version, error) {
	v := &version{key: c.key, created: s.now(), header: http.Header{}}
	for _, name := range kept() {
		if value := c.r.Header.Get(name); value != "" {
			v.header.Set(name, value)
		}
	}
	for name, values := range c.r.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			v.header[name] = slices.Clone(values)
		}
	}
	if rest := plainEncoding(v.header.Get("Content-Encoding")); rest != "" {
		v.header.Set("Content-Encoding", rest)
	} else {
		v.header.Del("Content-Encoding")
	}
	if v.header.Get("Content-Type") == "" {
		v.header.Set("Content-Type", "binary/octet-stream")
	}
	c.bucket.encrypt(v.header)
	var err error
	if v.tags, err = parseTags(c.r.Header.Get("X-Amz-Tagging")); err != nil {
		return nil, err
	}
	return v, c.bucket.retain(v, c.r.Header)
}

// plainEncoding leaves out the encoding of the transfer.
func plainEncoding(text string) string {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "aws-chunked" }), ",")
}

func (b *bucket) encrypt(h http.Header) {
	if h.Get("X-Amz-Server-Side-Encryption") != "" {
		return
	}
	h.Set("X-Amz-Server-Side-Encryption", b.Encryption)
	if b.KMSKeyID != "" {
		h.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", b.KMSKeyID)
	}
}

func parseTags(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, &problem{http.StatusBadRequest, "InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."}
	}
	tags := map[string]string{}
	for name := range values {
		tags[name] = values.Get(name)
	}
	return tags, nil
}

// retain gives a new version its Object Lock: the request's own, or the bucket's.
func (b *bucket) retain(v *version, h http.Header) error {
	mode, until, hold := h.Get("X-Amz-Object-Lock-Mode"), h.Get("X-Amz-Object-Lock-Retain-Until-Date"), h.Get("X-Amz-Object-Lock-Legal-Hold")
	if b.Lock == nil {
		if mode != "" || until != "" || hold != "" {
			return &problem{http.StatusBadRequest, "InvalidRequest", "Bucket is missing Object Lock Configuration"}
		}
		return nil
	}
	v.legalHold = hold == "ON"
	if mode == "" && until == "" {
		if b.Lock.Days > 0 {
			v.lockMode, v.lockedUntil = b.Lock.Mode, v.created.Add(time.Duration(b.Lock.Days)*24*time.Hour)
		}
		return nil
	}
	at, err := time.Parse(time.RFC3339, until)
	if err != nil || mode != "GOVERNANCE" && mode != "COMPLIANCE" || !at.After(v.created) {
		return &problem{http.StatusBadRequest, "InvalidArgument", "The retain until date must be in the future and the mode must be GOVERNANCE or COMPLIANCE"}
	}
	v.lockMode, v.lockedUntil = mode, at
	return nil
}

// checkWrite judges the conditions of a write. The caller holds the lock.
func checkWrite(c *call) error {
	now := c.bucket.current(c.key)
	if want := c.r.Header.Get("If-None-Match"); want != "" {
		if want != "*" {
			return errNotBuilt
		}
		if now != nil {
			return errPrecondition
		}
	}
	if want := c.r.Header.Get("If-Match"); want != "" {
		if now == nil {
			return errNoKey
		}
		if now.etag != quoted(want) {
			return errPrecondition
		}
	}
	return nil
}

func quoted(etag string) string { return `"` + strings.Trim(etag, `"`) + `"` }

// answerWritten sets the headers of a write that succeeded.
func (s *Server) answerWritten(c *call, v *version) {
	h := c.w.Header()
	h.Set("ETag", v.etag)
	if c.bucket.Versioning {
		h.Set("X-Amz-Version-Id", v.id)
	}
	for _, name := range []string{"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"} {
		if value := v.header.Get(name); value != "" {
			h.Set(name, value)
		}
	}
	v.writeChecksums(h)
}

func (v *version) writeChecksums(h http.Header) {
	for a, sum := range v.checksums {
		h.Set(checksumHeader+a, sum)
	}
	if len(v.checksums) > 0 {
		h.Set("X-Amz-Checksum-Type", v.checksumType())
	}
}

func (v *version) checksumType() string {
	if v.composite {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

// getObject answers GET and HEAD.
func (s *Server) getObject(c *call) error {
	action := "s3:GetObject"
	if c.query.Get("versionId") != "" {
		action = "s3:GetObjectVersion"
	}
	if err := s.allow(c, action, c.key); err != nil {
		return err
	}
	if c.query.Has("partNumber") {
		return errNotBuilt
	}
	v, err := s.open(c, c.bucket, c.key, c.query.Get("versionId"))
	if err != nil {
		return err
	}
	defer s.shelf.release(v)
	if err := checkRead(c.r.Header, "", v); err != nil {
		c.w.Header().Set("ETag", v.etag)
		return err
	}
	first, length, partial, err := parseRange(c.r.Header.Get("Range"), v.size)
	if err != nil {
		return err
	}
	v.writeHeader(c, partial)
	status := http.StatusOK
	if partial {
		c.w.Header().Set("Content-Range", "bytes "+strconv.FormatInt(first, 10)+"-"+strconv.FormatInt(first+length-1, 10)+"/"+strconv.FormatInt(v.size, 10))
		status = http.StatusPartialContent
	}
	c.w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodHead {
		return nil
	}
	if err := copyRange(c.w, v.segments, first, length); err != nil {
		panic(http.ErrAbortHandler) // the status is out: all that is left is to break the connection
	}
	return nil
}

// open finds a version to read and holds it. Who may not list the bucket is not told that a key is missing.
func (s *Server) open(c *call, b *bucket, key, id string) (*version, error) {
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	v := b.current(key)
	if id != "" {
		v = b.find(key, id)
	}
	switch {
	case v == nil && s.allowBucket(c, b, "s3:ListBucket") != nil:
		return nil, errDenied
	case v == nil && id != "":
		return nil, errNoVersion
	case v == nil:
		if n := len(b.objects[key]); n > 0 && b == c.bucket {
			c.w.Header().Set("X-Amz-Delete-Marker", "true")
			c.w.Header().Set("X-Amz-Version-Id", b.objects[key][n-1].id)
		}
		return nil, errNoKey
	case v.marker:
		c.w.Header().Set("X-Amz-Delete-Marker", "true")
		return nil, errMethod
	}
	s.shelf.hold(v)
	return v, nil
}

// checkRead judges the conditions of a read; prefix is that of the headers of a copy's source.
func checkRead(h http.Header, prefix string, v *version) error {
	if want := h.Get(prefix + "If-Match"); want != "" && quoted(want) != v.etag {
		return errPrecondition
	}
	if not := h.Get(prefix + "If-None-Match"); not != "" && (not == "*" || quoted(not) == v.etag) {
		if prefix != "" {
			return errPrecondition
		}
		return &problem{http.StatusNotModified, "NotModified", "Not Modified"}
	}
	second := v.created.Truncate(time.Second)
	if at, err := http.ParseTime(h.Get(prefix + "If-Unmodified-Since")); err == nil && second.After(at) {
		return errPrecondition
	}
	if at, err := http.ParseTime(h.Get(prefix + "If-Modified-Since")); err == nil && !second.After(at) && h.Get(prefix+"If-None-Match") == "" {
		if prefix != "" {
			return errPrecondition
		}
		return &problem{http.StatusNotModified, "NotModified", "Not Modified"}
	}
	return nil
}

func (v *version) writeHeader(c *call, partial bool) {
	h := c.w.Header()
	maps.Copy(h, v.header)
	h.Set("ETag", v.etag)
	h.Set("Last-Modified", v.created.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	if c.bucket.Versioning {
		h.Set("X-Amz-Version-Id", v.id)
	}
	if len(v.tags) > 0 {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(len(v.tags)))
	}
	if v.lockMode != "" {
		h.Set("X-Amz-Object-Lock-Mode", v.lockMode)
		h.Set("X-Amz-Object-Lock-Retain-Until-Date", stamp(v.lockedUntil))
	}
	if v.legalHold {
		h.Set("X-Amz-Object-Lock-Legal-Hold", "ON")
	}
	if c.r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && !partial {
		v.writeChecksums(h)
	}
	for name, values := range c.query {
		if header, ok := strings.CutPrefix(name, "response-"); ok {
			h.Set(header, values[0])
		}
	}
}

// parseRange reads a Range header of one range. What is not one counts as absent.
func parseRange(text string, size int64) (first, length int64, partial bool, err error) {
	whole := func() (int64, int64, bool, error) { return 0, size, false, nil }
	spec, ok := strings.CutPrefix(text, "bytes=")
	from, to, dash := strings.Cut(spec, "-")
	if !ok || !dash || strings.Contains(spec, ",") {
		return whole()
	}
	if from == "" {
		n, err := strconv.ParseInt(to, 10, 64)
		if err != nil {
			return whole()
		}
		if n == 0 || size == 0 {
			return 0, 0, false, errInvalidRange
		}
		n = min(n, size)
		return size - n, n, true, nil
	}
	first, err = strconv.ParseInt(from, 10, 64)
	if err != nil {
		return whole()
	}
	last := size - 1
	if to != "" {
		if last, err = strconv.ParseInt(to, 10, 64); err != nil || last < first {
			return whole()
		}
	}
	if first >= size {
		return 0, 0, false, errInvalidRange
	}
	return first, min(last, size-1) - first + 1, true, nil
}

func (s *Server) headBucket(c *call) error {
	if err := s.allowBucket(c, c.bucket, "s3:ListBucket"); err != nil {
		return err
	}
	c.w.Header().Set("X-Amz-Bucket-Region", "us-east-1")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// stamp is a time as S3 writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
