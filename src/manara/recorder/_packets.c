/* The compiled twins of packets.py: bytes that are kept in pieces of one size, and the usual packets of a frame,
 * appended to them in one go.
 *
 * Same arguments, same answers; tests/recorder/test_packets.py holds the twins against each other. `walk` reads nothing
 * beyond `end`, which is checked against the buffer. The memory of a piece is never moved, so that whoever looks at one
 * may go on. Source: RFC 2326 section 10.12, RFC 6184 section 5.8, RFC 7798 section 4.4.3.
 */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>
#include <sys/mman.h>

#define PIECE_BYTES 32768 /* as in packets.py */
#define KEPT_PIECES 64 /* 2 MiB */
#define RECOVERY_POINT 6 /* as in packets.py */

typedef struct {
    PyObject_HEAD
    Py_ssize_t used;
    unsigned char *bytes;
} Piece;

typedef struct {
    PyObject_HEAD
    PyObject *list; /* of Piece */
    Piece *last;    /* of the list; NULL: it is empty */
    Py_ssize_t size;
} Pieces;

static PyTypeObject *piece_type, *pieces_type;

/* -- the memory of pieces ----------------------------------------------------------------------------------------- */

/* It comes from the system and not from the heap: a GOP that is handed on and one that grows would else leave holes
 * between smaller things, a third of what a recorder takes. What becomes free is kept for the next piece, the latest first:
 * memory that comes anew from the system is filled with zeros, a page at a time, a quarter of a recorder's time where GOPs
 * end together. What stayed idle while all pieces went round twice (a disk was slow and has caught up, streams ended) goes
 * back, some at each turn. Under the GIL, as all here. */
typedef struct Idle {
    struct Idle *next;
} Idle;
static Idle *idle;
static size_t idle_count, used_count, given_count;
static size_t least_idle; /* since the round began */
static size_t spare_count; /* to be given back */

static unsigned char *take_memory(void)
{
    void *bytes = idle;
    if (idle != NULL) {
        idle = idle->next;
        if (--idle_count < least_idle)
            least_idle = idle_count;
    } else {
        bytes = mmap(NULL, PIECE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (bytes == MAP_FAILED)
            return NULL;
    }
    used_count++;
    return bytes;
}

static void give_memory(unsigned char *bytes)
{
    if (bytes == NULL)
        return;
    used_count--;
    Idle *one = (Idle *)bytes;
    one->next = idle;
    idle = one;
    idle_count++;
    if (++given_count > 2 * (used_count + idle_count)) {
        spare_count = least_idle > KEPT_PIECES ? least_idle - KEPT_PIECES : 0;
        least_idle = idle_count;
        given_count = 0;
    }
    for (int n = 0; n < 8 && spare_count > 0 && idle_count > KEPT_PIECES; n++, spare_count--) {
        unsigned char *last = take_memory();
        used_count--;
        munmap(last, PIECE_BYTES);
    }
}

/* -- a piece ------------------------------------------------------------------------------------------------------ */

static void piece_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    give_memory(((Piece *)self)->bytes);
    PyObject_Free(self);
    Py_DECREF(type);
}

static int piece_buffer(PyObject *self, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, self, ((Piece *)self)->bytes, ((Piece *)self)->used, 1, flags);
}

static Py_ssize_t piece_length(PyObject *self) { return ((Piece *)self)->used; }

/* -- pieces ------------------------------------------------------------------------------------------------------- */

static Piece *piece_at(Pieces *self, Py_ssize_t number) { return (Piece *)PyList_GetItem(self->list, number); }

static int begin_piece(Pieces *self)
{
    Piece *piece = PyObject_New(Piece, piece_type);
    if (piece == NULL)
        return -1;
    piece->used = 0;
    piece->bytes = take_memory();
    if (piece->bytes == NULL)
        PyErr_NoMemory();
    int failed = piece->bytes == NULL || PyList_Append(self->list, (PyObject *)piece) < 0;
    Py_DECREF((PyObject *)piece);
    if (failed)
        return -1;
    self->last = piece;
    return 0;
}

static int append(Pieces *self, const unsigned char *from, Py_ssize_t size)
{
    while (size > 0) {
        if ((self->last == NULL || self->last->used == PIECE_BYTES) && begin_piece(self) < 0)
            return -1;
        const Py_ssize_t room = PIECE_BYTES - self->last->used, now = size < room ? size : room;
        memcpy(self->last->bytes + self->last->used, from, (size_t)now);
        self->last->used += now;
        self->size += now;
        from += now;
        size -= now;
    }
    return 0;
}

/* The piece in which byte `at` lies (from the end: what is asked for was appended last), and where in it. */
static Py_ssize_t find(Pieces *self, Py_ssize_t at, Py_ssize_t *within)
{
    Py_ssize_t number = PyList_Size(self->list), begins = self->size;
    while (number > 0 && begins > at)
        begins -= piece_at(self, --number)->used;
    *within = at - begins;
    return number;
}

static Py_ssize_t number_of(PyObject *value, Py_ssize_t most)
{
    const Py_ssize_t number = PyLong_AsSsize_t(value);
    if (number == -1 && PyErr_Occurred())
        return -1;
    if (number < 0 || number > most) {
        PyErr_SetString(PyExc_ValueError, "not within the pieces");
        return -1;
    }
    return number;
}

static int drop_from(Pieces *self, Py_ssize_t number) /* the pieces from this one on */
{
    const Py_ssize_t count = PyList_Size(self->list);
    if (number < count && PyList_SetSlice(self->list, number, count, NULL) < 0)
        return -1;
    self->last = number > 0 ? piece_at(self, number - 1) : NULL;
    return 0;
}

static PyObject *pieces_put(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    for (Py_ssize_t n = 0; n < count; n++) {
        Py_buffer view;
        if (PyObject_GetBuffer(args[n], &view, PyBUF_SIMPLE) < 0)
            return NULL;
        const int failed = append((Pieces *)object, view.buf, view.len);
        PyBuffer_Release(&view);
        if (failed)
            return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *pieces_cut(PyObject *object, PyObject *to)
{
    Pieces *self = (Pieces *)object;
    const Py_ssize_t size = number_of(to, self->size);
    if (size < 0)
        return NULL;
    if (size < self->size) {
        Py_ssize_t within, number = find(self, size, &within);
        if (within > 0)
            piece_at(self, number++)->used = within;
        if (drop_from(self, number) < 0)
            return NULL;
        self->size = size;
    }
    Py_RETURN_NONE;
}

static PyObject *pieces_copy(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    Pieces *self = (Pieces *)object;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "copy takes 2 arguments");
        return NULL;
    }
    const Py_ssize_t at = number_of(args[0], self->size);
    const Py_ssize_t size = at < 0 ? -1 : number_of(args[1], self->size - at);
    if (size < 0)
        return NULL;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
    if (bytes == NULL)
        return NULL;
    char *to = PyBytes_AsString(bytes);
    Py_ssize_t within, number = find(self, at, &within);
    for (Py_ssize_t left = size; left > 0; within = 0) {
        const Piece *piece = piece_at(self, number++);
        const Py_ssize_t now = piece->used - within < left ? piece->used - within : left;
        memcpy(to, piece->bytes + within, (size_t)now);
        to += now;
        left -= now;
    }
    return bytes;
}

static void overwrite(Pieces *self, Py_ssize_t at, const void *with, Py_ssize_t size) /* within what there is */
{
    const char *from = with;
    Py_ssize_t within, number = find(self, at, &within);
    for (; size > 0; within = 0) {
        Piece *piece = piece_at(self, number++);
        const Py_ssize_t now = piece->used - within < size ? piece->used - within : size;
        memcpy(piece->bytes + within, from, (size_t)now);
        from += now;
        size -= now;
    }
}

static PyObject *pieces_write(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    Pieces *self = (Pieces *)object;
    Py_buffer view;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "write takes 2 arguments");
        return NULL;
    }
    if (PyObject_GetBuffer(args[1], &view, PyBUF_SIMPLE) < 0)
        return NULL;
    const Py_ssize_t at = view.len > self->size ? number_of(args[0], -1) : number_of(args[0], self->size - view.len);
    if (at >= 0)
        overwrite(self, at, view.buf, view.len);
    PyBuffer_Release(&view);
    if (at < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *pieces_take(PyObject *object, PyObject *of)
{
    Pieces *self = (Pieces *)object;
    const Py_ssize_t size = number_of(of, self->size);
    if (size < 0)
        return NULL;
    Py_ssize_t within, number = find(self, size, &within);
    PyObject *rest = PyList_New(0);
    if (rest == NULL)
        return NULL;
    Pieces after = {.list = rest};
    for (Py_ssize_t n = number, from = within; n < PyList_Size(self->list); n++, from = 0) {
        const Piece *piece = piece_at(self, n);
        if (append(&after, piece->bytes + from, piece->used - from) < 0)
            goto failed;
    }
    if (within > 0)
        number++; /* the piece in which it ends goes too */
    PyObject *taken = PyList_GetSlice(self->list, 0, number);
    PyObject *answer = taken == NULL ? NULL : PyList_AsTuple(taken);
    Py_XDECREF(taken);
    if (answer == NULL)
        goto failed;
    if (within > 0)
        piece_at(self, number - 1)->used = within;
    Py_DECREF(self->list);
    self->list = rest;
    self->last = after.last;
    self->size -= size;
    return answer;
failed:
    Py_DECREF(rest);
    return NULL;
}

static Py_ssize_t pieces_length(PyObject *self) { return ((Pieces *)self)->size; }

static PyObject *pieces_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    (void)args, (void)named;
    Pieces *self = (Pieces *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self != NULL && (self->list = PyList_New(0)) == NULL) {
        Py_DECREF((PyObject *)self);
        return NULL;
    }
    return (PyObject *)self;
}

static void pieces_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((Pieces *)self)->list);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* -- the packets of a frame ------------------------------------------------------------------------------------------ */

static unsigned be16(const unsigned char *p) { return (unsigned)p[0] << 8 | p[1]; }
static unsigned long be32(const unsigned char *p) { return (unsigned long)be16(p) << 16 | be16(p + 2); }

static void put32(unsigned char *p, Py_ssize_t value)
{
    for (int n = 0; n < 4; n++)
        p[n] = (unsigned char)((unsigned long)value >> (24 - 8 * n));
}

enum { BETWEEN, BEFORE, WITHIN, AFTER, WHOLE }; /* as in packets.py */
enum { BUFFER, AT, END, DATA, SKIP, LANE, PLAIN, SOURCE, EXPECTED, PLACE, STAMP, BEGINS, FIRST, MIDDLE, COUNT };

/* walk(buffer, at, end, data, skip, lane, plain, source, expected, place, stamp, begins, first, middle)
 * -> (at, packets, place, stamp, begins, first, middle) */
static PyObject *walk(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    if (count != COUNT) {
        PyErr_SetString(PyExc_TypeError, "walk takes 14 arguments");
        return NULL;
    }
    if (!PyByteArray_Check(args[BUFFER]) || Py_TYPE(args[DATA]) != pieces_type) {
        PyErr_SetString(PyExc_TypeError, "buffer is a bytearray and data are pieces");
        return NULL;
    }
    long long number[COUNT];
    for (int i = 0; i < COUNT; i++) {
        number[i] = i == BUFFER || i == DATA ? 0 : PyLong_AsLongLong(args[i]);
        if (number[i] == -1 && PyErr_Occurred())
            return NULL;
    }
    Pieces *data = (Pieces *)args[DATA];
    Py_ssize_t at = (Py_ssize_t)number[AT], begins = (Py_ssize_t)number[BEGINS];
    const Py_ssize_t end = (Py_ssize_t)number[END], skip = (Py_ssize_t)number[SKIP];
    int place = (int)number[PLACE];
    if (at < 0 || end < at || end > PyByteArray_Size(args[BUFFER]) || (skip != 18 && skip != 19) ||
        (place == WITHIN && (begins < 0 || begins > data->size - 4))) {
        PyErr_SetString(PyExc_ValueError, "not within the buffer or the pieces");
        return NULL;
    }
    const int h264 = skip == 18;
    const unsigned char *buffer = (const unsigned char *)PyByteArray_AsString(args[BUFFER]);
    long long stamp = number[STAMP], expected = number[EXPECTED], first = number[FIRST], middle = number[MIDDLE];
    int packets = 0;
    while (place < AFTER && end - at >= skip) {
        const unsigned char *head = buffer + at;
        const Py_ssize_t after = at + 4 + (Py_ssize_t)be16(head + 2);
        const unsigned marked = be16(head + 4) & 0x80;
        const long long now = (long long)be32(head + 8);
        if (after < at + skip || after > end || be16(head) != number[LANE] ||
            (be16(head + 4) ^ marked) != number[PLAIN] || be16(head + 6) != expected ||
            (long long)be32(head + 12) != number[SOURCE] || (now == stamp) != (place != BETWEEN))
            break;
        const unsigned char one = head[16], fragment = head[skip - 1];
        const int kind = h264 ? one & 31 : one >> 1 & 63;
        unsigned char start[6]; /* the length of a NAL unit, and its header where it comes in fragments */
        Py_ssize_t start_size = 0, from = skip;
        int next = WITHIN;
        if (place == WITHIN) {
            const int ended = fragment == (middle | 0x40);
            if (one != first || after == at + skip || !(ended || (fragment == middle && !marked)))
                break;
            if (ended)
                next = marked ? WHOLE : AFTER;
        } else if (kind == (h264 ? 28 : 49)) {
            const int usual = h264 ? (fragment & 0xDF) == 0x81 : (fragment & 0xF0) == 0x80;
            if (!usual || marked || after == at + skip || !(head[skip] & 0x80))
                break;
            begins = data->size;
            first = one;
            middle = fragment & 0x3F;
            start_size = h264 ? 5 : 6;
            put32(start, 0);
            start[4] = h264 ? (one & 0xE0) | 1 : (one & 0x81) | (unsigned char)(middle << 1);
            start[5] = head[17];
        } else {
            if (h264 ? kind == 1 : kind < 16) {
                if (!(fragment & 0x80))
                    break;
                next = marked ? WHOLE : AFTER;
            } else if (marked || (h264 ? kind != 6 && kind != 9 : kind != 35 && kind != 39) ||
                       (h264 && kind == 6 && memchr(head + 17, RECOVERY_POINT, (size_t)(after - at - 17)))) {
                break;
            } else {
                next = BEFORE;
            }
            from = 16;
            start_size = 4;
            put32(start, after - at - 16);
        }
        if (append(data, start, start_size) < 0 || append(data, head + from, after - at - from) < 0)
            return NULL;
        if (place == WITHIN && next != WITHIN) {
            put32(start, data->size - begins - 4);
            overwrite(data, begins, start, 4);
            begins = first = -1;
        }
        place = next;
        packets++;
        expected = (expected + 1) & 0xFFFF;
        stamp = now;
        at = after;
    }
    return Py_BuildValue("niiLnLL", at, packets, place, stamp, begins, first, middle);
}

/* -- the module ------------------------------------------------------------------------------------------------------ */

#define FAST(function) (PyCFunction)(void (*)(void))(function), METH_FASTCALL

static PyType_Slot piece_slots[] = {
    {Py_tp_dealloc, piece_dealloc},
    {Py_bf_getbuffer, piece_buffer},
    {Py_sq_length, piece_length},
    {0, NULL},
};
static PyType_Spec piece_spec = {"manara.recorder._packets.Piece", sizeof(Piece), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, piece_slots};

static PyMethodDef pieces_methods[] = {
    {"put", FAST(pieces_put), "See packets.py."},     {"cut", pieces_cut, METH_O, "See packets.py."},
    {"copy", FAST(pieces_copy), "See packets.py."},   {"write", FAST(pieces_write), "See packets.py."},
    {"take", pieces_take, METH_O, "See packets.py."}, {NULL, NULL, 0, NULL},
};
static PyType_Slot pieces_slots[] = {
    {Py_tp_new, pieces_new},
    {Py_tp_dealloc, pieces_dealloc},
    {Py_sq_length, pieces_length},
    {Py_tp_methods, pieces_methods},
    {0, NULL},
};
static PyType_Spec pieces_spec = {"manara.recorder._packets.Pieces", sizeof(Pieces), 0, Py_TPFLAGS_DEFAULT,
                                  pieces_slots};

static PyMethodDef methods[] = {
    {"walk", FAST(walk), "See packets.py."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_packets", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__packets(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL)
        return NULL;
    if ((piece_type = (PyTypeObject *)PyType_FromSpec(&piece_spec)) == NULL ||
        (pieces_type = (PyTypeObject *)PyType_FromSpec(&pieces_spec)) == NULL ||
        PyModule_AddType(module, pieces_type) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
