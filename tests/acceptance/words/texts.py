"""What the real Kokoro is asked to say: a sentence in each of its languages, and long paragraphs without a full stop.

All were written for these tests. In the long ones no sentence ends before the last character: what is divided only at
full stops loses two thirds of them or more.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Spoken:
    """A text, the voice that speaks it, its language for the ears, and the error rate above which it is not heard.

    `most` is set from `sound`, the rate of a run in which all was well, by ear and by eye.
    """

    voice: str
    language: str
    text: str
    sound: float
    most: float


SENTENCES = (
    Spoken(
        "af_heart",
        "en",
        "The old lighthouse keeper climbed the stairs slowly, because the lamp had gone out in the storm.",
        sound=0.0,
        most=0.1,
    ),
    Spoken(
        "bf_emma",
        "en",
        "On Tuesday morning the postman brought a letter, which my aunt read twice before breakfast.",
        sound=0.0,
        most=0.1,
    ),
    Spoken(
        "ef_dora",
        "es",
        "Ayer por la mañana llegaron tres barcos al puerto, cargados de naranjas, libros y café.",
        sound=0.0,
        most=0.1,
    ),
    Spoken(
        "ff_siwis",
        "fr",
        "Hier matin, nous avons pris le train pour Paris, puis nous avons visité un grand musée.",
        sound=0.0,
        most=0.1,
    ),
    Spoken(
        "hf_alpha",
        "hi",
        "मेरा नाम राम है, मैं दिल्ली में रहता हूँ और स्कूल में हिन्दी पढ़ाता हूँ।",
        sound=0.25,
        most=0.35,
    ),
    Spoken(
        "if_sara",
        "it",
        "Ieri sera abbiamo mangiato una buona pizza, e poi siamo andati a casa a piedi.",
        sound=0.0,
        most=0.1,
    ),
    Spoken(
        "jf_alpha",
        "ja",
        "昨日の朝、私は駅の前で友達に会って、一緒にコーヒーを飲みました。",
        sound=0.035,
        most=0.15,
    ),
    Spoken(
        "pf_dora",
        "pt",
        "O menino abriu a janela, olhou para o mar e viu um navio branco muito grande.",
        sound=0.0,
        most=0.1,
    ),
    Spoken(
        "zf_xiaobei",
        "zh",
        "今天早上天气很好，我和妈妈一起去公园散步，看见了很多漂亮的花。",
        sound=0.036,
        most=0.15,
    ),
)

SPANISH = (
    "Aquella mañana de abril mi abuela abrió la ventana de la cocina, miró el cielo limpio sobre los tejados, puso el "
    "café en el fuego, llamó a mis hermanos, que todavía dormían, cortó el pan, sacó la miel del armario, y mientras "
    "todos desayunábamos nos contó que de niña vivía en un pueblo muy pequeño, cerca del río, donde no había escuela, "
    "ni médico, ni tienda, pero sí una plaza con árboles, una fuente de agua fría y un viejo músico que tocaba la "
    "guitarra cada domingo, de modo que la gente bailaba hasta la noche, los niños corrían detrás de los perros, las "
    "mujeres hablaban en voz baja junto a la puerta, y los hombres, cansados del trabajo, bebían vino, fumaban y "
    "miraban las estrellas sin decir nada"
)

JAPANESE = (
    "私は毎朝六時に起きて、顔を洗って、窓を開けて、冷たい水を一杯飲んで、それから犬と一緒に川の近くを三十分ぐらい散歩して、"
    "家に帰って、母が作った朝ご飯を食べて、新聞を読んで、白いシャツを着て、八時に家を出て、駅まで歩いて、電車に乗って、"
    "窓の外の山や海を見ながら音楽を聞いて、町の真ん中にある大きい会社に行って、机の上を片付けて、友達に手紙を書いて、"
    "電話で東京の人と話して、昼には近くの公園でパンと果物を食べて、少し休んで、午後はまた仕事をして、"
    "夕方になると外が暗くなって、雨が降り始めて、私は傘を持っていなかったから、駅の前の小さい本屋に入って、"
    "古い地図や旅行の本を見て、去年の夏に行った北海道の広い畑や、青い空や、静かな湖を思い出して、"
    "いつかまた家族みんなであの町に行きたいと思って、その本を買って、雨が止んでから、ゆっくり家に帰って、"
    "温かいお風呂に入って、妹と一緒に料理を作って、父の話を聞きながら晩ご飯を食べて、お茶を飲んで、"
    "それから自分の部屋で新しい本を読んで、明日の天気を調べて、犬におやすみと言って、十一時に電気を消して、寝ましたが、"
    "夜中に大きい音がして、目が覚めて、窓から外を見ると、庭の木の下に小さい白い猫がいて、とても寒そうだったから、"
    "私は静かに階段を下りて、台所で牛乳を温めて、玄関のドアを開けて、猫を家の中に入れて、"
    "古いタオルで体を拭いて、一緒に椅子に座って、朝まで星を見ていました"
)

CHINESE = (
    "我小时候住在南方的一个小村子里，村子前面有一条很长的河，河边有许多高大的树，春天的时候，山上开满了红色和白色的花，"
    "孩子们放学以后都喜欢到河边去玩，有的人钓鱼，有的人唱歌，有的人坐在石头上看书，我最喜欢和我的好朋友一起爬到山上去，"
    "从那里可以看见远处的大海，看见海上的船，看见太阳慢慢地落下去，晚上回到家里，妈妈已经做好了饭，桌子上有热汤，有米饭，"
    "还有我最爱吃的鸡蛋和青菜，爸爸一边吃饭一边给我们讲他年轻时候的故事，他说他十八岁的时候离开家，坐了三天三夜的火车，"
    "到北京去上学，那时候他没有钱，也没有朋友，每天早上六点起床，先去图书馆学习，下午去工厂工作，晚上再写信给爷爷奶奶，"
    "告诉他们自己一切都好，请他们不要担心，后来他认识了我的妈妈，他们一起回到村子里，当了老师，教孩子们读书写字，"
    "现在我已经长大了，住在一个很大的城市里，每天坐地铁去公司上班，工作很忙，常常没有时间休息，可是每年过年的时候，"
    "我一定会带着我的孩子回到那个小村子，路上要坐五个小时的火车，孩子们在车上吃苹果，听音乐，问我还有多远，"
    "到家的时候天已经黑了，爷爷站在门口等我们，手里拿着一盏灯，奶奶在厨房里包饺子，邻居们也都来了，大家坐在一起喝茶，"
    "说笑话，看电视，到了半夜十二点，外面放起了烟花，孩子们高兴得又跑又跳，我看着他们，就想起了自己小时候，"
    "想起了那条河，那些树，还有那些再也回不来的日子，心里又高兴，又有一点难过，想在这里一直住下去，再也不走"
)

LONG = (
    Spoken("ef_dora", "es", SPANISH, sound=0.016, most=0.08),
    Spoken("jf_alpha", "ja", JAPANESE, sound=0.084, most=0.15),
    Spoken("zf_xiaobei", "zh", CHINESE, sound=0.028, most=0.1),
)

SENTENCE_OF = {one.voice: one for one in SENTENCES}
