"""The words of the rationalised table: what follows if nobody acts, and what to do, in Arabic and English.

Written for the person at the console, in the order in which to act: first what can be seen and done from here, then
whom to send with what. Data only; `kinds.py` joins them to priorities and times.
"""

WORDS: dict[str, dict[str, str]] = {
    "site_power_lost": {
        "consequence_ar": "الموقع بلا تغذية: كاميراته متوقفة ولا يُسجَّل شيء منها، وخط اتصاله مقطوع إلى أن تعود الكهرباء.",
        "consequence_en": "The site has no power: its cameras are dark, nothing of them is recorded, its link is down.",
        "advice_ar": "1. تأكد من الكاميرات المجاورة التي تغطي المكان نفسه وافتحها على الشاشة.\n"
        "2. اتصل بدائرة توزيع الكهرباء واسأل عن موعد عودة التيار في المنطقة.\n"
        "3. إذا كان الموقع مهماً أو طال الانقطاع، أرسل فريق الصيانة ومعه مولدة صغيرة أو بطارية مشحونة.\n"
        "4. أبلغ قاطع المسؤولية بأن الموقع بلا مراقبة إلى حين الإصلاح.",
        "advice_en": "1. Open the neighbouring cameras that look at the same place.\n"
        "2. Ask the electricity distribution office when the supply of the area returns.\n"
        "3. If the site matters or the outage lasts, send a maintenance team with a generator or charged battery.\n"
        "4. Tell the sector that the site is not watched until it is mended.",
    },
    "grid_lost": {
        "consequence_ar": "الموقع يعمل على البطارية. إذا لم تعد الوطنية قبل نفادها تتوقف الكاميرات.",
        "consequence_en": "The site runs on its battery. If the grid is not back before it is empty, the cameras stop.",
        "advice_ar": "1. انظر إلى الساعات المتبقية في صفحة الموقع.\n"
        "2. إذا كان الانقطاع في القاطع كله فهو انقطاع عام: تابع ولا ترسل أحداً.\n"
        "3. إذا كان موقعاً واحداً فقط، اطلب من الفني فحص القاطع الكهربائي والعداد.",
        "advice_en": "1. Look at the hours left on the site's page.\n"
        "2. If the whole sector is without grid, it is a general outage: follow it, send nobody.\n"
        "3. If it is this site alone, ask the technician to check its breaker and meter.",
    },
    "battery_low": {
        "consequence_ar": "ستنفد البطارية قبل الصباح وتُظلم كاميرات الموقع ليلاً.",
        "consequence_en": "The battery will be empty before morning and the site's cameras go dark in the night.",
        "advice_ar": "1. انظر إلى وقت الإظلام المتوقع وإلى أهمية الموقع.\n"
        "2. شغّل تخفيف الأحمال في صفحة الموقع لتبقى الكاميرا الأهم.\n"
        "3. إذا بقي أقل من ثلاث ساعات، أرسل فريقاً ومعه بطارية مشحونة أو مولدة قبل موعد الإظلام.",
        "advice_en": "1. Look at when it is expected to go dark, and at how much the site matters.\n"
        "2. Shed load on the site's page so that the camera that matters most stays.\n"
        "3. With less than three hours left, send a team with a charged battery or a generator before that time.",
    },
    "battery_stolen": {
        "consequence_ar": "بطارية الموقع تُسرق الآن على الأرجح. عند أول انقطاع للوطنية يتوقف الموقع.",
        "consequence_en": "The site's battery is probably being stolen now. At the next grid failure the site stops.",
        "advice_ar": "1. افتح كاميرات الموقع فوراً وانظر إلى الكابينة وما حولها.\n"
        "2. أبلغ أقرب دورية بمكان الموقع، ولا ترسل الفني وحده.\n"
        "3. احجز تسجيل الموقع والمواقع المجاورة لآخر ثلاثين دقيقة.\n"
        "4. بعد التأكد، أرسل الفني ومعه بطارية بديلة وقفل جديد للكابينة.",
        "advice_en": "1. Open the site's cameras at once and look at the cabinet and around it.\n"
        "2. Send the nearest patrol; never the technician alone.\n"
        "3. Hold the last thirty minutes of this site's and its neighbours' recordings.\n"
        "4. When it is safe, send the technician with another battery and a new lock for the cabinet.",
    },
    "battery_failed": {
        "consequence_ar": "البطارية لا تحتفظ بالشحن. عند انقطاع الوطنية يتوقف الموقع خلال دقائق.",
        "consequence_en": "The battery no longer holds its charge. When the grid fails the site stops within minutes.",
        "advice_ar": "1. افتح أمر عمل لتبديل البطارية خلال أيام.\n"
        "2. اكتب في الأمر نوع البطارية وسعتها من صفحة الموقع ليأخذ الفني البديل الصحيح.",
        "advice_en": "1. Raise a work order to replace the battery within days.\n"
        "2. Note its type and capacity from the site's page, so that the technician takes the right one.",
    },
    "solar_failed": {
        "consequence_ar": "الألواح الشمسية لا تشحن في النهار، فتفرغ البطارية أبكر في الليل.",
        "consequence_en": "The solar panels do not charge by day, so the battery is empty earlier at night.",
        "advice_ar": "1. قارن بالمواقع المجاورة: إذا ضعفت كلها فالسبب غيوم أو غبار.\n"
        "2. إذا كان هذا الموقع وحده، افتح أمر عمل لتنظيف الألواح وفحص المنظم والأسلاك.",
        "advice_en": "1. Compare with neighbouring sites: if all are weak, it is cloud or dust.\n"
        "2. If it is this one alone, raise a work order to clean the panels and check controller and wiring.",
    },
    "link_cut": {
        "consequence_ar": "خط الاتصال مقطوع. ما وراءه يعمل على الاحتياطي إن وُجد، وإلا فهو معزول.",
        "consequence_en": "The link is cut. What lies behind it runs on its reserve, if there is one, or is isolated.",
        "advice_ar": "1. انظر في الخارطة إلى المقطع وإلى المواقع التي وراءه.\n"
        "2. اسأل عن أعمال حفر أو طرق في المسار.\n"
        "3. أرسل فريق الألياف مع جهاز قياس (OTDR) ولوازم اللحام.",
        "advice_en": "1. See on the map which segment it is and which sites lie behind it.\n"
        "2. Ask about digging or road works along the route.\n"
        "3. Send the fibre team with an OTDR and splicing kit.",
    },
    "link_degraded": {
        "consequence_ar": "خط الاتصال ضعيف وقد ينقطع. قد تظهر الصورة متقطعة.",
        "consequence_en": "The link is weak and may fail. Pictures behind it may break up.",
        "advice_ar": "1. انظر إلى مستوى الضوء أو الإشارة وتاريخه في صفحة الموقع.\n"
        "2. افتح أمر عمل لتنظيف الموصلات وفحص الانحناءات، أو لضبط اتجاه الهوائي.",
        "advice_en": "1. Look at the optical or radio level and its history on the site's page.\n"
        "2. Raise a work order to clean connectors and look for bends, or to align the antenna.",
    },
    "ring_open": {
        "consequence_ar": "الحلقة مفتوحة ولم يتوقف شيء بعد، لكن قطعاً ثانياً يعزل مواقع.",
        "consequence_en": "The ring is open. Nothing is lost yet, but a second cut will isolate sites.",
        "advice_ar": "1. حدد المقطع المقطوع في الخارطة.\n"
        "2. أرسل فريق الألياف اليوم؛ لا تؤجل إلى الغد.\n"
        "3. أوقف كل عمل مخطط آخر على الحلقة نفسها إلى حين الإصلاح.",
        "advice_en": "1. Find the cut segment on the map.\n"
        "2. Send the fibre team today, not tomorrow.\n"
        "3. Stop any other planned work on the same ring until it is closed.",
    },
    "switch_dead": {
        "consequence_ar": "سويچ الموقع متوقف: كل كاميراته مقطوعة مع أن الكهرباء موجودة.",
        "consequence_en": "The site's switch is dead: all its cameras are cut off although there is power.",
        "advice_ar": "1. جرّب إعادة تشغيل منفذ التغذية عن بُعد إن كان متاحاً.\n"
        "2. أرسل الفني ومعه سويچ من الطراز نفسه ومحوّل تغذية.\n"
        "3. افتح الكاميرات المجاورة بدلاً منها.",
        "advice_en": "1. Try to restart its supply from here, where that is possible.\n"
        "2. Send the technician with a switch of the same model and a power adapter.\n"
        "3. Use neighbouring cameras meanwhile.",
    },
    "site_isolated": {
        "consequence_ar": "لا يصل شيء من الموقع إلى الغرفة: لا صورة ولا تسجيل ولا قراءات.",
        "consequence_en": "Nothing of the site reaches the control room: no picture, no recording, no readings.",
        "advice_ar": "1. انظر إن كان خط الاتصال الرئيس أو المقسم قبله مقطوعاً.\n"
        "2. افتح الكاميرات المجاورة وأبلغ القاطع.\n"
        "3. أرسل فريق الشبكة إلى آخر نقطة ما زالت تستجيب.",
        "advice_en": "1. See whether its main link or the hub before it is down.\n"
        "2. Open neighbouring cameras and tell the sector.\n"
        "3. Send the network team to the last point that still answers.",
    },
    "camera_dead": {
        "consequence_ar": "الكاميرا لا ترسل صورة ولا يُسجَّل منها شيء، وباقي الموقع يعمل.",
        "consequence_en": "The camera sends no picture and is not recorded; the rest of the site works.",
        "advice_ar": "1. انظر إلى الكاميرات الأخرى في الموقع: هل تغطي المكان؟\n"
        "2. أعد تشغيل منفذ الكاميرا من السويچ إن أمكن.\n"
        "3. إذا لم تعد خلال ربع ساعة، افتح أمر عمل ومعه كاميرا بديلة وكيبل شبكة.",
        "advice_en": "1. See whether the site's other cameras cover the place.\n"
        "2. Restart the camera's port on the switch where that is possible.\n"
        "3. If it is not back in a quarter of an hour, raise a work order: spare camera and network cable.",
    },
    "camera_credential": {
        "consequence_ar": "الكاميرا ترفض اسم المستخدم أو كلمة السر، فلا صورة ولا تسجيل إلى أن تُصحَّح.",
        "consequence_en": "The camera refuses our user name or password; no picture, no recording until it is mended.",
        "advice_ar": "1. اسأل فريق الصيانة إن كان أحد قد بدّل كلمة السر اليوم.\n"
        "2. إذا لم يبدّلها أحد منا، أبلغ المشرف: قد يكون عبثاً بالجهاز.\n"
        "3. يُدخل الفني كلمة السر الجديدة في صفحة الكاميرا.",
        "advice_en": "1. Ask maintenance whether anybody changed the password today.\n"
        "2. If none of us did, tell the supervisor: somebody may have tampered with the device.\n"
        "3. The technician enters the new password on the camera's page.",
    },
    "camera_stream_poor": {
        "consequence_ar": "صورة الكاميرا متقطعة أو ناقصة؛ قد لا تصلح لحظة الحاجة إليها.",
        "consequence_en": "The camera's picture breaks up or is thin; it may be of no use when it is needed.",
        "advice_ar": "1. انظر إن كانت كاميرات الموقع كلها كذلك: عندها السبب خط الاتصال.\n"
        "2. إذا كانت وحدها، افتح أمر عمل لفحص الكيبل والموصل وإعدادات البث.",
        "advice_en": "1. See whether all cameras of the site are like that: then it is the link.\n"
        "2. If it is this one alone, raise a work order to check cable, connector and stream settings.",
    },
    "camera_black": {
        "consequence_ar": "الصورة سوداء: البث يعمل لكن لا يُرى شيء.",
        "consequence_en": "The picture is black: the stream runs, but nothing can be seen.",
        "advice_ar": "1. قارن الصورتين: هل انطفأت إنارة الشارع أم غُطّيت العدسة؟\n"
        "2. جرّب تشغيل الأشعة تحت الحمراء من إعدادات الكاميرا.\n"
        "3. إذا بقيت سوداء، افتح أمر عمل لفحص العدسة والحساس.",
        "advice_en": "1. Compare the two pictures: did the street lighting go, or is the lens covered?\n"
        "2. Try the infrared light in the camera's settings.\n"
        "3. If it stays black, raise a work order to check lens and sensor.",
    },
    "camera_white": {
        "consequence_ar": "الصورة بيضاء من شدة الضوء ولا يُرى فيها شيء.",
        "consequence_en": "The picture is washed out by light and shows nothing.",
        "advice_ar": "1. انتظر إن كانت الشمس في العدسة: تزول بعد دقائق.\n"
        "2. انظر إن كان ضوء قوي موجهاً إليها عمداً وأبلغ الدورية إن كان.\n"
        "3. وإلا افتح أمر عمل لضبط التعريض أو تبديل الحساس.",
        "advice_en": "1. If the sun stands in the lens it passes within minutes.\n"
        "2. See whether a strong light is pointed at it on purpose; if so, tell the patrol.\n"
        "3. Otherwise raise a work order to set the exposure or replace the sensor.",
    },
    "camera_frozen": {
        "consequence_ar": "الصورة جامدة: ما تراه ليس ما يحدث الآن، والتسجيل يكرر لحظة قديمة.",
        "consequence_en": "The picture stands still: it is not what happens now, and an old moment is recorded.",
        "advice_ar": "1. لا تعتمد على هذه الكاميرا، وضع بدلاً منها كاميرا مجاورة على الشاشة.\n"
        "2. أعد تشغيل الكاميرا.\n"
        "3. إذا جمدت ثانية، افتح أمر عمل لتحديث برنامجها أو تبديلها.",
        "advice_en": "1. Do not rely on this camera; put a neighbouring one in its place.\n"
        "2. Restart the camera.\n"
        "3. If it freezes again, raise a work order to update or replace it.",
    },
    "camera_covered": {
        "consequence_ar": "العدسة مغطاة، وقد يكون ذلك عمداً لإخفاء ما يحدث في المكان.",
        "consequence_en": "The lens is covered, perhaps on purpose, to hide what happens there.",
        "advice_ar": "1. شاهد الدقيقة التي سبقت التغطية.\n"
        "2. افتح الكاميرات المجاورة وانظر إلى المكان.\n"
        "3. أرسل أقرب دورية إن كان العمل متعمداً، واحجز التسجيل.\n"
        "4. إن كان كيساً أو غصناً، افتح أمر عمل لإزالته.",
        "advice_en": "1. Watch the minute before it was covered.\n"
        "2. Open neighbouring cameras and look at the place.\n"
        "3. If it was done on purpose, send the nearest patrol and hold the recording.\n"
        "4. If it is a bag or a branch, raise a work order to remove it.",
    },
    "camera_blurred": {
        "consequence_ar": "الصورة خارج التركيز، فلا تُميَّز التفاصيل.",
        "consequence_en": "The picture is out of focus; details cannot be made out.",
        "advice_ar": "1. جرّب التركيز التلقائي من صفحة الكاميرا.\n"
        "2. إذا لم ينفع، افتح أمر عمل لضبط العدسة في الموقع بوجود الصورة المرجعية.",
        "advice_en": "1. Try autofocus from the camera's page.\n"
        "2. If that does not help, raise a work order to set the lens on site against the reference view.",
    },
    "camera_dirty": {
        "consequence_ar": "العدسة متسخة أو مرشوشة، والصورة تضعف كل يوم.",
        "consequence_en": "The lens is dirty or sprayed; the picture is poor and gets worse.",
        "advice_ar": "1. إذا ظهرت البقع فجأة فقد رُشّت عمداً: شاهد ما قبلها وأبلغ الدورية.\n"
        "2. وإلا أضف الكاميرا إلى جولة التنظيف القادمة.",
        "advice_en": "1. If the spots came at once, it was sprayed: watch what came before and tell the patrol.\n"
        "2. Otherwise put the camera on the next cleaning round.",
    },
    "camera_moved": {
        "consequence_ar": "الكاميرا لا تنظر إلى المكان المطلوب، ومكانها المخصص بلا مراقبة.",
        "consequence_en": "The camera no longer looks where it should; its place is not watched.",
        "advice_ar": "1. قارن الصورتين: هل دارت قليلاً أم أُديرت عمداً؟\n"
        "2. إذا كانت متحركة، أعدها إلى وضعها المحفوظ.\n"
        "3. إذا كانت ثابتة، افتح أمر عمل لتوجيهها على الصورة المرجعية وتثبيت القاعدة.",
        "advice_en": "1. Compare the two pictures: did it slip, or was it turned on purpose?\n"
        "2. If it is a PTZ camera, send it back to its preset.\n"
        "3. If it is fixed, raise a work order to aim it at the reference view and fasten the bracket.",
    },
    "camera_colour_lost": {
        "consequence_ar": "الصورة بلا ألوان في النهار: لا يُعرف لون مركبة.",
        "consequence_en": "The picture has no colour by day: the colour of a vehicle cannot be told.",
        "advice_ar": "1. بدّل وضع النهار والليل من إعدادات الكاميرا ثم أعده.\n"
        "2. إذا بقيت، افتح أمر عمل لفحص مرشح الأشعة تحت الحمراء.",
        "advice_en": "1. Switch the camera's day/night mode over and back.\n"
        "2. If it stays, raise a work order to check the infrared filter.",
    },
    "camera_vibrating": {
        "consequence_ar": "الصورة تهتز بشدة، فلا يُفهم منها ما يحدث.",
        "consequence_en": "The picture shakes so much that it cannot be read.",
        "advice_ar": "1. إن كانت الريح قوية فانتظر هدوءها.\n"
        "2. إذا استمر والهواء ساكن، افتح أمر عمل لشد القاعدة والعمود.",
        "advice_en": "1. In strong wind, wait until it drops.\n"
        "2. If it goes on in still air, raise a work order to tighten bracket and pole.",
    },
    "camera_loop": {
        "consequence_ar": "الكاميرا تعيد تسجيلاً قديماً كأنه مباشر: قد يكون خداعاً لإخفاء ما يحدث.",
        "consequence_en": "The camera plays an old scene as if it were live: perhaps a deception to hide what happens.",
        "advice_ar": "1. لا تصدّق هذه الصورة. افتح الكاميرات المجاورة فوراً.\n"
        "2. أرسل دورية إلى المكان.\n"
        "3. أبلغ المشرف ومسؤول النظام: قد يكون اختراقاً للكاميرا.\n"
        "4. احجز التسجيل لآخر ساعة.",
        "advice_en": "1. Do not believe this picture. Open neighbouring cameras at once.\n"
        "2. Send a patrol to the place.\n"
        "3. Tell the supervisor and the administrator: the camera may have been broken into.\n"
        "4. Hold the last hour of recording.",
    },
    "sector_weather": {
        "consequence_ar": "غبار أو ضباب أو مطر على القاطع: كاميراته كلها ضعيفة الرؤية إلى أن يزول.",
        "consequence_en": "Dust, fog or rain over the sector: all its cameras see poorly until it passes.",
        "advice_ar": "1. لا ترسل أحداً للتنظيف الآن.\n"
        "2. أبلغ القاطع والدوريات بأن الرؤية ضعيفة واعتمد على بلاغاتهم.\n"
        "3. بعد زوال الجو، انظر إلى ما بقي متسخاً وأضفه إلى جولة التنظيف.",
        "advice_en": "1. Send nobody to clean now.\n"
        "2. Tell the sector and its patrols that visibility is poor, and rely on their reports.\n"
        "3. When it has passed, put what stays dirty on the cleaning round.",
    },
    "cabinet_open": {
        "consequence_ar": "باب الكابينة مفتوح بلا عمل معلن: قد تكون سرقة أو عبث.",
        "consequence_en": "The cabinet's door is open and no work is announced: perhaps theft or tampering.",
        "advice_ar": "1. افتح كاميرا الموقع وانظر من عند الكابينة.\n"
        "2. اسأل فريق الصيانة إن كان أحدهم هناك.\n"
        "3. إن لم يكن، أرسل أقرب دورية.",
        "advice_en": "1. Open the site's camera and see who is at the cabinet.\n"
        "2. Ask maintenance whether one of them is there.\n"
        "3. If not, send the nearest patrol.",
    },
    "cabinet_hot": {
        "consequence_ar": "حرارة الكابينة عالية: قد تتوقف الأجهزة ويقصر عمر البطارية.",
        "consequence_en": "The cabinet is hot: devices may stop, and the battery ages quickly.",
        "advice_ar": "1. انظر إن كانت المروحة تدور.\n"
        "2. خفف أحمال الموقع إن استمرت الحرارة بالصعود.\n"
        "3. افتح أمر عمل لتنظيف الفلتر أو تبديل المروحة.",
        "advice_en": "1. See whether the fan turns.\n"
        "2. Shed the site's load if it keeps rising.\n"
        "3. Raise a work order to clean the filter or replace the fan.",
    },
    "telemetry_failed": {
        "consequence_ar": "لا تصل قراءات الموقع: لن نعرف بانقطاع الكهرباء أو ضعف البطارية قبل وقوعه.",
        "consequence_en": "The site's readings do not arrive: a power cut or weak battery would come as a surprise.",
        "advice_ar": "1. إذا كانت كاميرات الموقع تعمل فالخلل في جهاز القياس وحده.\n"
        "2. افتح أمر عمل لإعادة تشغيله وفحص عنوانه وكلمة سره.",
        "advice_en": "1. If the site's cameras work, it is the measuring device alone.\n"
        "2. Raise a work order to restart it and to check its address and password.",
    },
    "recorder_disk_full": {
        "consequence_ar": "قرص التسجيل ممتلئ: بعض الكاميرات لا تُسجَّل الآن.",
        "consequence_en": "A recording disk is full: some cameras are not recorded now.",
        "advice_ar": "1. أبلغ مسؤول النظام فوراً.\n"
        "2. انظر إلى الحجوزات القديمة: يُرفع منها ما انتهت الحاجة إليه بموافقة صاحبها.\n"
        "3. أضف قرصاً أو خفّض مدة الحفظ للكاميرات الأقل أهمية.",
        "advice_en": "1. Tell the administrator at once.\n"
        "2. Look at old holds: release those no longer needed, with their owner's consent.\n"
        "3. Add a disk, or shorten retention of the less important cameras.",
    },
    "recorder_disk_failed": {
        "consequence_ar": "قرص التسجيل عاطل: لا يُكتب عليه شيء، وقد يضيع ما عليه.",
        "consequence_en": "A recording disk has failed: nothing is written to it, and what lies on it may be lost.",
        "advice_ar": "1. أبلغ مسؤول النظام فوراً.\n"
        "2. لا تُعِد تشغيل الخادم قبل أن يفحصه.\n"
        "3. يُبدَّل القرص ويُحفظ القديم لاستعادة ما يلزم.",
        "advice_en": "1. Tell the administrator at once.\n"
        "2. Do not restart the server before it has been looked at.\n"
        "3. Replace the disk and keep the old one, to recover what is needed.",
    },
    "recorder_disk_slow": {
        "consequence_ar": "قرص التسجيل بطيء: إن زاد البطء ضاعت لقطات.",
        "consequence_en": "A recording disk is slow: if it gets worse, footage will be lost.",
        "advice_ar": "1. أبلغ مسؤول النظام في هذه المناوبة.\n"
        "2. أوقف عمليات التصدير الكبيرة إلى أن يزول البطء.\n"
        "3. يفحص المسؤول حالة القرص (SMART) ويهيئ بديلاً.",
        "advice_en": "1. Tell the administrator within this shift.\n"
        "2. Pause large exports until it is over.\n"
        "3. The administrator checks the disk (SMART) and prepares another.",
    },
    "recorder_down": {
        "consequence_ar": "المسجّل متوقف: كاميراته كلها لا تُسجَّل الآن.",
        "consequence_en": "A recorder is down: none of its cameras is recorded now.",
        "advice_ar": "1. اتصل بمسؤول النظام فوراً، وإن لم يجب فبالمشرف.\n"
        "2. انظر إن كان الخادم يعمل وإن كان قرصه ممتلئاً.\n"
        "3. سجّل في دفتر المناوبة من متى إلى متى لا يوجد تسجيل.",
        "advice_en": "1. Call the administrator at once; if there is no answer, the supervisor.\n"
        "2. See whether the server runs and whether its disk is full.\n"
        "3. Note in the shift log from when until when there is no recording.",
    },
    "role_restarting": {
        "consequence_ar": "جزء من البرنامج يتوقف ويُعاد تشغيله مراراً: قد تتأخر الصورة أو التسجيل أو الإنذارات.",
        "consequence_en": "A part of the program keeps stopping and starting: pictures, recording or alarms may lag.",
        "advice_ar": "1. أبلغ مسؤول النظام.\n2. يقرأ المسؤول سجل هذا الجزء ويرسله إلى الجهة المطورة إن تكرر.",
        "advice_en": "1. Tell the administrator.\n"
        "2. The administrator reads that part's log and reports it to its makers if it recurs.",
    },
    "handler_stuck": {
        "consequence_ar": "رسالة داخلية لا تُعالج: قد لا يصل إلى الشاشة ما يجب أن يصل.",
        "consequence_en": "An internal message cannot be handled: something may not reach the screen that should.",
        "advice_ar": "1. أبلغ مسؤول النظام.\n"
        "2. حدّث الشاشة، ولا تعتمد على هدوئها وحده.\n"
        "3. يقرأ المسؤول السجل ويزيل السبب؛ الرسالة تنتظر ولا تضيع.",
        "advice_en": "1. Tell the administrator.\n"
        "2. Reload the screen and do not rely on its calm alone.\n"
        "3. The administrator reads the log and removes the reason; the message waits and is not lost.",
    },
    "unknown": {
        "consequence_ar": "إنذار من نوع لا يعرفه الجدول بعد.",
        "consequence_en": "An alarm of a kind that the table does not know yet.",
        "advice_ar": "1. اقرأ الأدلة المرفقة وأبلغ المشرف.\n2. يضيف مسؤول النظام هذا النوع إلى الجدول.",
        "advice_en": "1. Read the evidence and tell the supervisor.\n2. The administrator adds this kind to the table.",
    },
}
