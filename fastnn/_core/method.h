/* A built-in function as a method of a type. Such functions do not bind themselves, and those that
 * do (Cython's own) are an eighth larger. A call costs one more jump. */
#ifndef FASTNN_METHOD_H
#define FASTNN_METHOD_H

#include <Python.h>
#include <stddef.h>

typedef struct {
  PyObject_HEAD
  vectorcallfunc call, inner; /* the method's, and the function's */
  PyObject *function;
} fnn_method;

static PyObject *fnn_method_call(PyObject *self, PyObject *const *args, size_t nargs,
                                 PyObject *names) {
  fnn_method *m = (fnn_method *)self;
  return m->inner(m->function, args, nargs, names);
}

static PyObject *fnn_method_bind(PyObject *self, PyObject *instance, PyObject *type) {
  (void)type;
  if (instance == NULL || instance == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, instance);
}

static PyObject *fnn_method_get(PyObject *self, void *name) {
  return PyObject_GetAttrString(((fnn_method *)self)->function, name);
}

static PyObject *fnn_method_repr(PyObject *self) {
  PyObject *name = fnn_method_get(self, "__name__");
  PyObject *text = name ? PyUnicode_FromFormat("<method '%U' of tensors>", name) : NULL;
  Py_XDECREF(name);
  return text;
}

static void fnn_method_free(PyObject *self) {
  Py_CLEAR(((fnn_method *)self)->function);
  Py_TYPE(self)->tp_free(self);
}

static PyGetSetDef fnn_method_names[] = {
    {"__doc__", fnn_method_get, NULL, NULL, "__doc__"},
    {"__name__", fnn_method_get, NULL, NULL, "__name__"},
    {"__qualname__", fnn_method_get, NULL, NULL, "__qualname__"},
    {"__module__", fnn_method_get, NULL, NULL, "__module__"},
    {"__text_signature__", fnn_method_get, NULL, NULL, "__text_signature__"},
    {NULL, NULL, NULL, NULL, NULL}};

static PyTypeObject fnn_method_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "fastnn.method",
    .tp_basicsize = sizeof(fnn_method),
    .tp_dealloc = fnn_method_free,
    .tp_repr = fnn_method_repr,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(fnn_method, call),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_getset = fnn_method_names,
    .tp_descr_get = fnn_method_bind,
};

/* type.name = function; 0, or -1 with an exception. */
static int fnn_set_method(PyObject *type, PyObject *name, PyObject *function) {
  if (PyType_Ready(&fnn_method_type)) return -1;
  PyObject *method = Py_NewRef(function);
  if (PyCFunction_Check(function) && PyVectorcall_Function(function)) {
    fnn_method *made = PyObject_New(fnn_method, &fnn_method_type);
    if (made) {
      made->call = fnn_method_call;
      made->inner = PyVectorcall_Function(function);
      made->function = method;
    } else {
      Py_DECREF(method);
    }
    method = (PyObject *)made;
  }
  int failed = method ? PyDict_SetItem(((PyTypeObject *)type)->tp_dict, name, method) : -1;
  Py_XDECREF(method);
  PyType_Modified((PyTypeObject *)type);
  return failed;
}

#endif
