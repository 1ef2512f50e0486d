/// <summary>CRC-32 as zip has it, in which verdicts.tsv has the checksums of the golden files.</summary>
internal static class Crc32
{
    internal static string Of(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB88320u;
            }
        }
        return (~crc).ToString("x8");
    }
}
