/* A function as a method of a type. Built-in functions do not bind themselves, and those that do
 * (Cython's own) are an eighth larger. A call costs one more jump.
 *
 * Methods, and functions that are translated, take NumPy's words for their arguments as well as ours.
 * Who does not use them pays nothing: only a call that has failed is looked at again. */
#ifndef FASTNN_METHOD_H
#define FASTNN_METHOD_H

#include <Python.h>
#include <stddef.h>

typedef struct {
  PyObject_HEAD
  vectorcallfunc call, inner; /* the method's, and the function's */
  PyObject *function;
  _PyCFunctionFastWithKeywords direct; /* what inner calls, or NULL */
} fnn_method;

static inline PyObject *fnn_call_inner(fnn_method *m, PyObject *const *args, size_t nargs,
                                       PyObject *names) {
  if (m->direct == NULL) return m->inner(m->function, args, nargs, names);
  return m->direct(PyCFunction_GET_SELF(m->function), args, PyVectorcall_NARGS(nargs), names);
}

/* What PyTorch accepts for NumPy's sake, and its own words. */
static const char *const fnn_words[][2] = {{"axis", "dim"}, {"keepdims", "keepdim"},
                                           {"x", "input"},  {"a", "input"},
                                           {"x1", "input"}, {"x2", "other"},
                                           {"split_size", "split_size_or_sections"},
                                           {"sections", "indices_or_sections"},
                                           {"indices", "indices_or_sections"}};

static const char *fnn_own_word(PyObject *name) {
  for (size_t i = 0; i < sizeof fnn_words / sizeof *fnn_words; i++)
    if (!PyUnicode_CompareWithASCIIString(name, fnn_words[i][0])) return fnn_words[i][1];
  return NULL;
}

/* names in our words: a new tuple. NULL where that changes nothing or would name one twice. */
static PyObject *fnn_own_names(PyObject *names) {
  Py_ssize_t n = PyTuple_GET_SIZE(names), changed = 0;
  PyObject *list = PySequence_List(names), *result = NULL;
  for (Py_ssize_t i = 0; list && i < n; i++) {
    const char *word = fnn_own_word(PyTuple_GET_ITEM(names, i));
    PyObject *own = word ? PyUnicode_InternFromString(word) : NULL;
    if (own == NULL) continue;
    changed = PySequence_Contains(list, own) ? -n : changed + 1;
    PyList_SetItem(list, i, own);
  }
  if (list && changed > 0) result = PyList_AsTuple(list);
  Py_XDECREF(list);
  return result;
}

/* Arguments that are given by position, one by one or as a sequence: view(2, 3); and before them. */
static const char *const fnn_spread[] = {"input", "size", "sizes", "shape", "dims", "repeats"};

/* Which of fnn_spread a name is, or -1. */
static int fnn_spread_word(PyObject *name) {
  for (size_t j = 0; j < sizeof fnn_spread / sizeof *fnn_spread; j++)
    if (!PyUnicode_CompareWithASCIIString(name, fnn_spread[j])) return (int)j;
  return -1;
}

/* The call with such keywords as its last positional arguments. NULL, no exception: has none. */
static PyObject *fnn_call_by_position(vectorcallfunc inner, PyObject *function,
                                      PyObject *const *args, size_t nargs, PyObject *names) {
  PyObject *moved[32], *others = PyList_New(0), *result = NULL;
  Py_ssize_t first = PyVectorcall_NARGS(nargs), n = PyTuple_GET_SIZE(names), to = 0;
  for (; others && first + n <= 32 && to < first; to++) moved[to] = args[to];
  for (int input = 1; others && first + n <= 32 && input >= 0; input--)
    for (Py_ssize_t i = 0; i < n; i++) {
      int word = fnn_spread_word(PyTuple_GET_ITEM(names, i));
      if (input ? word == 0 : word > 0) moved[to++] = args[first + i];
    }
  Py_ssize_t positional = to;
  for (Py_ssize_t i = 0; others && first + n <= 32 && i < n; i++)
    if (fnn_spread_word(PyTuple_GET_ITEM(names, i)) < 0) {
      moved[to++] = args[first + i];
      if (PyList_Append(others, PyTuple_GET_ITEM(names, i))) Py_CLEAR(others);
    }
  PyObject *rest = others && positional > first ? PyList_AsTuple(others) : NULL;
  if (rest) result = inner(function, moved, positional, rest);
  Py_XDECREF(rest);
  Py_XDECREF(others);
  return result;
}

/* The call again, which has failed, for keywords that are NumPy's or names of what goes by position.
 * If neither helps, the exception stays that of the call as it was. */
static PyObject *fnn_call_again(fnn_method *m, PyObject *const *args, size_t nargs,
                                PyObject *names) {
  PyObject *type, *value, *trace, *result = NULL;
  if (!names || !PyErr_ExceptionMatches(PyExc_TypeError)) return NULL;
  PyErr_Fetch(&type, &value, &trace);
  PyObject *own = fnn_own_names(names);
  if (own) result = m->inner(m->function, args, nargs, own);
  Py_XDECREF(own);
  if (!result && (!own || PyErr_ExceptionMatches(PyExc_TypeError))) {
    PyErr_Clear();
    result = fnn_call_by_position(m->inner, m->function, args, nargs, names);
  }
  if (!result && (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_TypeError))) {
    PyErr_Restore(type, value, trace);
    return NULL;
  }
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(trace);
  return result;
}

static PyObject *fnn_method_call(PyObject *self, PyObject *const *args, size_t nargs,
                                 PyObject *names) {
  PyObject *result = fnn_call_inner((fnn_method *)self, args, nargs, names);
  return result ? result : fnn_call_again((fnn_method *)self, args, nargs, names);
}

/* A sparse tensor is no tensor of C: it has a method of the function's name. */
static PyObject *fnn_call_its_method(PyObject *self, PyObject *const *args, size_t nargs,
                                     PyObject *names) {
  PyObject *result = fnn_call_again((fnn_method *)self, args, nargs, names), *type, *value, *trace;
  Py_ssize_t n = PyVectorcall_NARGS(nargs);
  if (result || n == 0 || !PyErr_ExceptionMatches(PyExc_TypeError)) return result;
  PyErr_Fetch(&type, &value, &trace);
  PyObject *method = NULL;
  if (PyObject_HasAttrString((PyObject *)Py_TYPE(args[0]), "_answers_functions")) {
    PyObject *name = PyObject_GetAttrString(((fnn_method *)self)->function, "__name__");
    method = name ? PyObject_GetAttr(args[0], name) : NULL;
    Py_XDECREF(name);
  }
  if (method == NULL) {
    PyErr_Restore(type, value, trace);
    return NULL;
  }
  result = PyObject_Vectorcall(method, args + 1, n - 1, names);
  Py_DECREF(method);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(trace);
  return result;
}

static PyObject *fnn_function_call(PyObject *self, PyObject *const *args, size_t nargs,
                                   PyObject *names) {
  PyObject *result = fnn_call_inner((fnn_method *)self, args, nargs, names);
  return result ? result : fnn_call_its_method(self, args, nargs, names);
}

static PyObject *fnn_method_bind(PyObject *self, PyObject *instance, PyObject *type) {
  (void)type;
  if (instance == NULL || instance == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, instance);
}

static PyObject *fnn_method_get(PyObject *self, void *name) {
  return PyObject_GetAttrString(((fnn_method *)self)->function, name);
}

static PyObject *fnn_method_wrapped(PyObject *self, void *unused) {
  (void)unused;
  return Py_NewRef(((fnn_method *)self)->function);
}

static PyObject *fnn_method_repr(PyObject *self) {
  PyObject *name = fnn_method_get(self, "__name__");
  int bound = Py_TYPE(self)->tp_descr_get != NULL;
  PyObject *text = NULL;
  if (name) text = PyUnicode_FromFormat(bound ? "<method '%U' of tensors>" : "<function %U>", name);
  Py_XDECREF(name);
  return text;
}

/* For pickles: its name. */
static PyObject *fnn_method_reduce(PyObject *self, PyObject *unused) {
  (void)unused;
  return fnn_method_get(self, "__qualname__");
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
    {"__wrapped__", fnn_method_wrapped, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyMethodDef fnn_function_methods[] = {{"__reduce__", fnn_method_reduce, METH_NOARGS, NULL},
                                             {NULL, NULL, 0, NULL}};

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

static PyTypeObject fnn_function_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "fastnn.function",
    .tp_basicsize = sizeof(fnn_method),
    .tp_dealloc = fnn_method_free,
    .tp_repr = fnn_method_repr,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(fnn_method, call),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_getset = fnn_method_names,
    .tp_methods = fnn_function_methods,
};

/* function as an object of one of the types; what is no function stays as it is. */
static PyObject *fnn_wrap(PyTypeObject *type, PyObject *function) {
  vectorcallfunc inner = PyVectorcall_Function(function);
  if (!PyCallable_Check(function)) return Py_NewRef(function);
  if (PyType_Ready(type)) return NULL;
  fnn_method *made = PyObject_New(fnn_method, type);
  if (made == NULL) return NULL;
  made->call = type == &fnn_function_type ? fnn_function_call : fnn_method_call;
  made->inner = inner ? inner : PyObject_Vectorcall;
  made->function = Py_NewRef(function);
  int flags = PyCFunction_CheckExact(function) ? PyCFunction_GET_FLAGS(function) : 0;
  made->direct = NULL;
  if (flags == (METH_FASTCALL | METH_KEYWORDS))
    made->direct = (_PyCFunctionFastWithKeywords)(void (*)(void))PyCFunction_GET_FUNCTION(function);
  return (PyObject *)made;
}

/* A function that takes NumPy's words as well. */
static PyObject *fnn_translated(PyObject *function) {
  return fnn_wrap(&fnn_function_type, function);
}

/* type.name = function; 0, or -1 with an exception. */
static int fnn_set_method(PyObject *type, PyObject *name, PyObject *function) {
  PyObject *method = fnn_wrap(&fnn_method_type, function);
  int failed = method ? PyDict_SetItem(((PyTypeObject *)type)->tp_dict, name, method) : -1;
  Py_XDECREF(method);
  PyType_Modified((PyTypeObject *)type);
  return failed;
}

#endif
