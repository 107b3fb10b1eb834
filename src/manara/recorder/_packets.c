/* The compiled twin of packets.py: a run of the middle packets of one fragmented NAL unit, appended in one go.
 *
 * Same arguments, same answer; tests/recorder/test_packets.py holds the two against each other. Reads nothing beyond `end`,
 * which is checked against the buffer; keeps nothing. Two passes: the headers first, so that `data` grows once. Source: RFC 2326 section 10.12,
 * RFC 6184 section 5.8, RFC 7798 section 4.4.3.
 */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

#define SMALLEST 20 /* `$`, channel, size, RTP header, the bytes that tell fragments apart, one of payload */

static unsigned be16(const unsigned char *p) { return (unsigned)p[0] << 8 | p[1]; }
static unsigned long be32(const unsigned char *p) { return (unsigned long)be16(p) << 16 | be16(p + 2); }

/* run(buffer, at, end, data, lane, plain, expected, stamp, first, middle, skip) -> (at, packets, ended) */
static PyObject *run(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    if (count != 11) {
        PyErr_SetString(PyExc_TypeError, "run takes 11 arguments");
        return NULL;
    }
    if (!PyByteArray_Check(args[0]) || !PyByteArray_Check(args[3]) || args[0] == args[3]) {
        PyErr_SetString(PyExc_TypeError, "buffer and data are two bytearrays");
        return NULL;
    }
    long long number[11];
    for (int i = 1; i < 11; i++) {
        if (i == 3)
            continue;
        number[i] = PyLong_AsLongLong(args[i]);
        if (number[i] == -1 && PyErr_Occurred())
            return NULL;
    }
    Py_ssize_t at = (Py_ssize_t)number[1], end = (Py_ssize_t)number[2], skip = (Py_ssize_t)number[10];
    if (at < 0 || end < at || end > PyByteArray_Size(args[0]) || (skip != 18 && skip != 19)) {
        PyErr_SetString(PyExc_ValueError, "not within the buffer");
        return NULL;
    }
    const long long lane = number[4], plain = number[5], stamp = number[7], first = number[8], middle = number[9];
    const long long marked = plain | 0x80, last = middle | 0x40;
    const unsigned char *buffer = (const unsigned char *)PyByteArray_AsString(args[0]);
    unsigned expected = (unsigned)(number[6] & 0xFFFF);
    if (number[6] < 0 || first < 0 || stamp < 0)
        return Py_BuildValue("nii", at, 0, 0);

    const Py_ssize_t began = at;
    Py_ssize_t grows = 0;
    int packets = 0, ended = 0;
    while (!ended && end - at >= SMALLEST) {
        const unsigned char *head = buffer + at;
        const Py_ssize_t after = at + 4 + (Py_ssize_t)be16(head + 2);
        if (after > end || after <= at + skip || be16(head) != lane || be16(head + 6) != expected ||
            (long long)be32(head + 8) != stamp || head[16] != first)
            break;
        const unsigned flags = be16(head + 4);
        const unsigned char fragment = head[skip - 1];
        if (fragment == last && (flags == marked || flags == plain))
            ended = flags == marked ? 2 : 1;
        else if (fragment != middle || flags != plain)
            break;
        grows += after - at - skip;
        packets++;
        expected = (expected + 1) & 0xFFFF;
        at = after;
    }
    if (packets) {
        const Py_ssize_t before = PyByteArray_Size(args[3]);
        if (PyByteArray_Resize(args[3], before + grows) < 0)
            return NULL;
        char *to = PyByteArray_AsString(args[3]) + before;
        for (Py_ssize_t from = began; from < at;) {
            const Py_ssize_t after = from + 4 + (Py_ssize_t)be16(buffer + from + 2);
            memcpy(to, buffer + from + skip, (size_t)(after - from - skip));
            to += after - from - skip;
            from = after;
        }
    }
    return Py_BuildValue("nii", at, packets, ended);
}

static PyMethodDef methods[] = {
    {"run", (PyCFunction)(void (*)(void))run, METH_FASTCALL, "See packets.py."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_packets", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__packets(void) { return PyModule_Create(&definition); }
