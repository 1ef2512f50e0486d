package org.tensorfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class PresetTest {
  @Test
  void everyPresetOfTheLibraryIsHere() {
    assertEquals(20, Preset.all().size());
    for (Preset preset : Preset.all()) {
      assertNotEquals(Preset.UNKNOWN, preset);
      assertEquals(preset, Preset.fromName(preset.toString().toLowerCase(Locale.ROOT)));
      assertNotEquals(Dtype.UNSUPPORTED, preset.dtype());
    }
    assertEquals(15, Preset.Q4_K_M.fileType());
    assertThrows(InvalidArgumentException.class, () -> Preset.fromName("Q9"));
  }

  @Test
  void choosesTypes() {
    assertThrows(InvalidArgumentException.class, () -> QuantPlan.of(Preset.Q4_K_M, new Metadata()));
    Metadata metadata = new Metadata().set("general.architecture", "llama").set("llama.block_count", 2);
    try (QuantPlan plan = QuantPlan.of(Preset.Q4_K_M, metadata)) {
      plan.declare("output.weight", Dtype.FLOAT16, 8, 256)
          .declare("blk.0.attn_q.weight", Dtype.FLOAT16, 8, 256)
          .declare("blk.1.attn_q.weight", Dtype.FLOAT16, 8, 256)
          .declare("output_norm.weight", Dtype.FLOAT32, 256)
          .setDtype(2, Dtype.Q8_0)
          .weighted(true);
      assertEquals(List.of(Dtype.Q6_K, Dtype.Q4_K, Dtype.Q8_0, Dtype.FLOAT32), plan.finish());
      assertThrows(InvalidArgumentException.class, () -> plan.setDtype(0, Dtype.Q8_0));
    }
  }
}
