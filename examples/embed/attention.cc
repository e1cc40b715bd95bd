// One head of attention in C++11: tensors that release themselves, and statuses that are thrown.
//   c++ -std=c++11 attention.cc $(fastnn-config --cflags --libs) -o attention
#include <fastnn.h>

#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <stdexcept>
#include <vector>

static void check(fnn_status status) {
  if (status != FNN_OK) throw std::runtime_error(fnn_last_error());
}

class Tensor {
 public:
  Tensor() : t_() {}
  explicit Tensor(std::vector<int64_t> size) : t_() {
    check(fnn_tensor_empty(&t_, FNN_F32, static_cast<int>(size.size()), size.data()));
  }
  Tensor(Tensor &&other) : t_(other.t_) { other.t_.storage = nullptr; }
  Tensor(const Tensor &) = delete;
  Tensor &operator=(const Tensor &) = delete;
  ~Tensor() { fnn_tensor_release(&t_); }

  fnn_tensor *get() { return &t_; }
  const fnn_tensor *get() const { return &t_; }
  float *begin() { return static_cast<float *>(fnn_tensor_data(&t_)); }
  float *end() { return begin() + fnn_tensor_numel(&t_); }

 private:
  fnn_tensor t_;
};

// The op's first output.
static Tensor run(fnn_op op, std::initializer_list<const fnn_tensor *> in, const fnn_attr *attr) {
  Tensor y;
  fnn_tensor *out[] = {y.get()};
  const fnn_call call = {op, static_cast<int>(in.size()), 1, in.begin(), out, attr};
  check(fnn_run(&call));
  return y;
}

static fnn_attr whole(int64_t value) {
  fnn_attr attr = fnn_attr();
  attr.v.i = value;
  return attr;
}

// softmax(q k^T / sqrt(E)) v, with q (T, E), k (S, E), v (E, S)
static Tensor attention(const Tensor &q, const Tensor &k, const Tensor &v) {
  const fnn_attr no_activation = whole(0), last = whole(1);
  fnn_attr scale = fnn_attr();  // an operand that is a number
  scale.v.f = 1 / std::sqrt(static_cast<double>(q.get()->size[1]));
  scale.n = 1;
  Tensor scores = run(FNN_OP_linear, {q.get(), k.get(), nullptr}, &no_activation);
  Tensor scaled = run(FNN_OP_mul, {scores.get(), nullptr}, &scale);
  Tensor weights = run(FNN_OP_softmax, {scaled.get()}, &last);
  return run(FNN_OP_linear, {weights.get(), v.get(), nullptr}, &no_activation);
}

int main() try {
  Tensor q({2, 4}), k({3, 4}), v({5, 3});
  int i = 0;
  for (float &x : q) x = 0.1f * static_cast<float>(i++);
  for (float &x : k) x = 1.0f;  // every key alike: the mean of the values
  for (float &x : v) x = static_cast<float>(i++ % 3);
  for (float x : attention(q, k, v)) std::printf("%g\n", static_cast<double>(x));

  try {
    attention(q, v, k);
  } catch (const std::runtime_error &error) {
    std::printf("refused: %s\n", error.what());
  }
} catch (const std::exception &error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
