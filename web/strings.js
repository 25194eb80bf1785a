// strings.js - every word the page shows, in both languages. Chinese is the first one.

const zh = {
  title: "小贝",
  documentTitle: "小贝 · 健康咨询助手",
  standin: "演示模型",
  standinMore: "演示模型:仅用于演示,回答质量不代表正式模型,请勿用于真实就医。",
  newChat: "新对话",
  otherLanguage: "English",
  call120: "急救 120",
  noticeStrong: "小贝是 AI,不是医生。",
  notice: "回答仅供参考,不能代替医生诊断,也不开药。有生命危险时请立即拨打 120。",
  welcome: "您好,我是小贝",
  welcomeMore: "说说您哪里不舒服、多久了、有多严重。年龄、性别、是否怀孕、既往疾病和正在用的药也有帮助。",
  placeholder: "描述您的症状或问题…",
  inputLabel: "您的问题",
  send: "发送",
  stop: "停止",
  you: "您",
  assistant: "小贝",
  generated: "AI 生成",
  copy: "复制",
  copied: "已复制",
  speed: (tps) => `${tps} 词元/秒`,
  firstToken: (seconds) => `首字 ${seconds} 秒`,
  stopped: "已停止",
  cut: "达到长度上限,回答未完",
  retry: "重试",
  loading: "模型正在加载,马上就好…",
  offline: "连不上服务,请检查它是否在运行。",
  broken: "连接中断,回答可能不完整。",
  busy: "咨询的人较多,请稍后再试。",
  keyNeeded: "这台服务器需要访问密钥:",
  keySave: "确定",
  tooLong: "这次对话已超过模型能记住的长度。",
  dropOldest: "略去最早的一轮再试",
  dropped: "(已略去,小贝不再看到)",
  answering: "小贝正在回答",
  done: "回答完毕",
  examples: ["发热、咳嗽三天,伴有胸痛", "孩子两岁,半夜发烧 39 度,精神还可以", "体检发现血压 150/95,需要去哪个科?", "空腹血糖 7.8 mmol/L 是什么意思?"],
};

const en = {
  title: "Xiaobei",
  documentTitle: "Xiaobei · health consultation",
  standin: "demonstration model",
  standinMore: "Demonstration model: it shows that the system works, not how well it answers. Do not use it for real care.",
  newChat: "New chat",
  otherLanguage: "中文",
  call120: "Call 120",
  noticeStrong: "Xiaobei is an AI, not a doctor.",
  notice: "Answers are for reference, no diagnosis, no prescription. In danger of life call 120 (China) or your local emergency number now.",
  welcome: "Hello, I am Xiaobei",
  welcomeMore: "Tell me what is wrong, since when and how bad. Age, sex, pregnancy, known illnesses and medicines you take help too.",
  placeholder: "Describe your symptoms or question…",
  inputLabel: "Your question",
  send: "Send",
  stop: "Stop",
  you: "You",
  assistant: "Xiaobei",
  generated: "AI-generated",
  copy: "Copy",
  copied: "Copied",
  speed: (tps) => `${tps} tokens/s`,
  firstToken: (seconds) => `first token ${seconds} s`,
  stopped: "stopped",
  cut: "length limit reached, the answer is cut",
  retry: "Try again",
  loading: "The model is loading, one moment…",
  offline: "The service cannot be reached. Is it running?",
  broken: "The connection broke; the answer may be incomplete.",
  busy: "Many people are asking right now. Please try again shortly.",
  keyNeeded: "This server needs an access key:",
  keySave: "OK",
  tooLong: "This conversation is longer than the model can remember.",
  dropOldest: "Leave out the oldest turn and try again",
  dropped: "(left out: Xiaobei no longer sees it)",
  answering: "Xiaobei is answering",
  done: "Answer complete",
  examples: ["Fever and cough for three days, with chest pain", "My two-year-old has a fever of 39 °C tonight but is alert", "Blood pressure 150/95 at a check-up: which department?", "What does a fasting glucose of 7.8 mmol/L mean?"],
};

const languages = { zh, en };
let current = "zh";

export function loadLanguage() {
  let saved = null;
  try { saved = localStorage.getItem("language"); } catch { /* storage may be off */ }
  setLanguage(saved === "en" ? "en" : "zh");
}

export function setLanguage(name) {
  current = name;
  try { localStorage.setItem("language", name); } catch { /* then it is not remembered */ }
  document.documentElement.lang = name === "zh" ? "zh-CN" : "en";
  document.title = t("documentTitle");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
}

export function toggleLanguage() {
  setLanguage(current === "zh" ? "en" : "zh");
}

/** The text for a key; functions get the remaining arguments. */
export function t(key, ...rest) {
  const value = languages[current][key];
  return typeof value === "function" ? value(...rest) : value;
}
