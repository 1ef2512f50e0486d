package org.tensorfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.net.URI;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class EnumsTest {
  private static Map<String, Integer> constants(String prefix) throws IllegalAccessException {
    Map<String, Integer> found = new TreeMap<>();
    for (Field field : TensorfileNativeConstants.class.getFields()) {
      if (field.getName().startsWith(prefix) && !field.getName().startsWith("TF_DTYPE_KIND_")
          && !field.getName().equals("TF_DTYPE_AS_STORED")) {
        found.put(field.getName().substring(prefix.length()), field.getInt(null));
      }
    }
    assertTrue(found.size() > 1, prefix);
    return found;
  }

  private static <E extends Enum<E>> void expect(String prefix, E[] values, ToIntFunction<E> number) throws Exception {
    Map<String, Integer> ours = Arrays.stream(values).filter(value -> !value.name().equals("UNKNOWN"))
        .collect(Collectors.toMap(Enum::name, number::applyAsInt));
    assertEquals(constants(prefix), new TreeMap<>(ours));
  }

  @Test
  void everyConstantOfTheHeaderIsThere() throws Exception {
    expect("TF_STATUS_", Status.values(), Status::number);
    expect("TF_DTYPE_", Dtype.values(), Dtype::number);
    expect("TF_FORMAT_", Format.values(), Format::number);
    expect("TF_OPTION_", Option.values(), Option::number);
    expect("TF_LOAD_MODE_", LoadMode.values(), LoadMode::number);
  }

  @Test
  void reasonsOfTheSystemAreExceptionsOfNio() {
    Class<?>[] expected =
        {TensorfileException.class, NoSuchFileException.class, AccessDeniedException.class, FileSystemException.class};
    for (int reason = 0; reason < expected.length; reason++) {
      Throwable e = Failures.of(Status.CORRUPT.number(), true, new byte[] {'m'}, 5, new byte[0], reason);
      assertTrue(expected[reason].isInstance(e), e.toString());
      assertEquals("m", e.getMessage());
      assertEquals(OptionalLong.of(5), ((TensorfileFailure) e).offset());
    }
    Throwable io = Failures.of(Status.IO.number(), true, new byte[] {'m'}, -1, new byte[0], 0);
    assertTrue(io instanceof FileSystemException, io.toString());
  }

  @Test
  void numbersOfLaterVersionsDoNoHarm() {
    for (int number : new int[] {-1, 5000, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      assertSame(Status.UNKNOWN, Status.of(number));
      assertSame(Dtype.UNSUPPORTED, Dtype.of(number));
      assertSame(Format.UNKNOWN, Format.of(number));
      assertSame(LoadMode.UNKNOWN, LoadMode.of(number));
    }
    assertEquals("unknown", Status.UNKNOWN.toString());
    assertEquals("corrupt", Status.CORRUPT.toString());
    assertEquals("unknown", Format.UNKNOWN.toString());
    Throwable later = Failures.of(999, true, new byte[] {'m'}, -1, new byte[0], 0);
    assertSame(Status.UNKNOWN, ((TensorfileException) later).status());
  }

  @Test
  void formatsOfPathsOfAnyFileSystem() {
    assertSame(Format.NPZ, Format.fromPath(Path.of("a/b.npz")));
    FileSystem runtime = FileSystems.getFileSystem(URI.create("jrt:/"));
    assertSame(Format.SAFETENSORS, Format.fromPath(runtime.getPath("a", "b.safetensors")));
    assertSame(Format.AUTO, Format.fromPath(runtime.getPath("a", "b")));
  }
}
