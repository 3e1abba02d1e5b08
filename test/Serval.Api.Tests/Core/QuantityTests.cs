using Serval.Api.Core;

namespace Serval.Api.Tests.Core;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("0.5", "500m")]
    [InlineData("1000m", "1")]
    [InlineData("1024Mi", "1Gi")]
    [InlineData("100M", "100M")]
    [InlineData("1.5Gi", "1536Mi")]
    [InlineData("512", "512")]
    [InlineData("1e3", "1e3")]
    [InlineData("0.5Ki", "512")]
    [InlineData("-1", "-1")]
    [InlineData("2500k", "2500k")]
    [InlineData("100n", "100n")]
    [InlineData("0.0000000001", "1n")]
    [InlineData("-0.0000000001", "-1n")]
    [InlineData("0.1n", "1n")]
    [InlineData("0Gi", "0")]
    [InlineData("0.1", "100m")]
    [InlineData("1500m", "1500m")]
    [InlineData("1000", "1k")]
    [InlineData("1500", "1500")]
    [InlineData("0.5Gi", "512Mi")]
    [InlineData("1.3Ki", "1331200m")]
    [InlineData("1000e3", "1e6")]
    [InlineData("1e-3", "1e-3")]
    [InlineData("1e99", "1e99")]
    [InlineData("-2000", "-2k")]
    [InlineData("+5", "5")]
    [InlineData(".5", "500m")]
    [InlineData("5.", "5")]
    [InlineData("1E", "1E")]
    [InlineData("1Ei", "1Ei")]
    [InlineData("8Ei", "9223372036854775807")]
    [InlineData("99999999999999999999999999.5", "99999999999999999999999999500m")]
    [InlineData("99999999999999999999999999999", "99999999999999999999999999999")]
    public void ToString_AnyText_IsCanonical(string text, string canonical)
    {
        Assert.Equal(canonical, Quantity.Parse(text).ToString());
        Assert.Equal(canonical, Quantity.Parse(canonical).ToString());
    }

    /// <summary>Whatever is stored is read again: the stored text of a quantity is a quantity, and the same one.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void TryCanonicalize_Twice_ChangesNothing(int seed)
    {
        var random = new Random(seed);
        string[] suffixes = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e5", "e-7", "E99", "e+98"];
        for (var i = 0; i < 2000; i++)
        {
            var digits = string.Concat(Enumerable.Range(0, random.Next(1, 127)).Select(_ => random.Next(3) == 0 ? 0 : random.Next(10)));
            var text = (random.Next(2) == 0 ? digits : digits.Insert(random.Next(digits.Length + 1), ".")) + suffixes[random.Next(suffixes.Length)];
            if (text.Length > Quantity.MaxText)
            {
                Assert.False(Quantity.TryCanonicalize(text, out _));
                continue;
            }
            Assert.True(Quantity.TryCanonicalize(text, out var canonical), $"seed {seed}: {text}");
            Assert.True(Quantity.TryCanonicalize(canonical, out var again), $"seed {seed}: {text} is stored as {canonical}, which is no quantity");
            Assert.Equal(canonical, again);
            Assert.Equal(Quantity.Parse(text), Quantity.Parse(canonical));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("1.2.3")]
    [InlineData("1mi")]
    [InlineData("1 Gi")]
    [InlineData("Mi")]
    [InlineData("1K")]
    [InlineData("--1")]
    [InlineData("m")]
    [InlineData("1gi")]
    [InlineData("1Mib")]
    [InlineData("0x10")]
    [InlineData("1e")]
    [InlineData(".")]
    [InlineData("1e100")]
    public void TryParse_OtherText_Refuses(string text)
    {
        // "1K" reads in Kubernetes' grammar only as 1k: the capital is no suffix.
        Assert.False(Quantity.TryParse(text, out _));
    }

    [Fact]
    public void Compare_DifferentForms_IsByValue()
    {
        Assert.Equal(Quantity.Parse("1024Mi"), Quantity.Parse("1Gi"));
        Assert.True(Quantity.Parse("500m") < Quantity.Parse("1"));
        Assert.Equal(500, Quantity.Parse("0.5").MilliValue);
        Assert.Equal(1, Quantity.Parse("0.5").Value);
        Assert.Equal(134_217_728, Quantity.Parse("128Mi").Value);
    }
}
